import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/core/faults.ts";
import { decodeEventBody } from "../../../src/protocol/event-body.ts";

const LIMITS = { eventMaxBytes: 200, eventsPerPost: 3 };
const json = (text: string) => decodeEventBody(text, "json", LIMITS);
const ndjson = (text: string) => decodeEventBody(text, "ndjson", LIMITS);

describe("decodeEventBody()", () => {
  test("reads one event and keeps the text of its payload and time", () => {
    expect(
      json('{"id":"1","type":"sold","data":{"2":1.0,"1":9007199254740993},"time":1e3}'),
    ).toEqual({
      single: true,
      events: [{ id: "1", type: "sold", data: '{"2":1.0,"1":9007199254740993}', time: "1e3" }],
    });
  });

  test("reads a list", () => {
    expect(json('[{"type":"a","data":1},{"type":"b"}]')).toEqual({
      single: false,
      events: [
        { type: "a", data: "1" },
        { type: "b", data: "null" },
      ],
    });
  });

  test("reads one event per line and passes over empty lines", () => {
    expect(ndjson('{"type":"a","data":1}\r\n\n{"type":"b","data":2}')).toEqual({
      single: false,
      events: [
        { type: "a", data: "1" },
        { type: "b", data: "2" },
      ],
    });
  });

  test("drops the line breaks of a printed payload and nothing else", () => {
    const { events } = json('{"type":"a","data":{\n  "x": 1.0\n}}');
    expect(events).toEqual([{ type: "a", data: '{  "x": 1.0}' }]);
  });

  test("keeps a list's good events when one is bad", () => {
    const { events } = json('[{"type":"a"},{"typ":"b"},{"type":"c"}]');
    expect(events.map((event) => (event instanceof Fault ? event.code : event.type))).toEqual([
      "a",
      "event_invalid",
      "c",
    ]);
    expect(String(events[1])).toContain("typ");
  });

  test("keeps the good lines when one is no JSON", () => {
    const { events } = ndjson('{"type":"a"}\nnonsense');
    expect(events[1]).toMatchObject({ code: "body_malformed" });
  });

  test.each([
    ['{"type":""}', "event_invalid"],
    ['{"type":"a","id":""}', "event_invalid"],
    ['{"type":"a\\u0000"}', "event_invalid"],
    ['{"type":"a","id":"\\ud800"}', "event_invalid"],
    ['{"type":"a","time":{}}', "event_invalid"],
    [`{"type":"a","data":"${"x".repeat(200)}"}`, "event_invalid"],
    ["5", "event_invalid"],
  ])("refuses %s as %s", (text, code) => {
    expect(json(text).events[0]).toMatchObject({ code });
  });

  test.each([
    ["", "body_malformed"],
    ["{", "body_malformed"],
    ["[]", "body_malformed"],
    ['[{"type":"a"},{"type":"a"},{"type":"a"},{"type":"a"}]', "body_too_large"],
  ])("throws for the body %j", (text, code) => {
    expect(() => json(text)).toThrow(expect.objectContaining({ code }));
  });
});
