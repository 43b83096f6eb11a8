import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/core/faults.ts";
import { decodeEvent, decodeEventBody, parseEventKey } from "../../../src/protocol/event-body.ts";

const LIMITS = { eventMaxBytes: 200, eventsPerPost: 3 };
const json = (text: string) => decodeEventBody(text, LIMITS);

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

describe("decodeEvent()", () => {
  test("counts bytes, not characters", () => {
    const text = `{"type":"a","data":"${"汉".repeat(70)}"}`;
    expect(text.length).toBeLessThan(LIMITS.eventMaxBytes);
    expect(String(decodeEvent(text, LIMITS))).toContain("got 232 bytes, at most 200");
  });

  test.each([
    ["a field that is missing", "{}", "type"],
    ["a field of another kind", '{"type":7}', "type: got 7, wanted a string"],
    ["a field that nobody knows", '{"type":"a","typo":1}', "typo"],
    ["what is no JSON", "nonsense", "not JSON"],
  ])("names %s", (_, text, words) => {
    expect(String(decodeEvent(text, LIMITS))).toContain(words);
  });

  test("quotes little of a body in a reason, whole characters only", () => {
    const limits = { eventMaxBytes: 100_000 };
    for (const text of [`{"type":"a","${"😀".repeat(5_000)}":1}`, "n".repeat(50_000)]) {
      const { message } = decodeEvent(text, limits) as Fault;
      expect(message.length).toBeLessThan(400);
      expect(message.isWellFormed()).toBe(true);
    }
  });
});

describe("parseEventKey()", () => {
  const refused = expect.objectContaining({ code: "event_invalid" });

  test("takes a key that can name every event of its request", () => {
    expect(parseEventKey("k".repeat(128), 0)).toBe("k".repeat(128));
    expect(parseEventKey("k".repeat(124), 999)).toBe("k".repeat(124));
  });

  test.each([
    ["k".repeat(129), 0],
    ["k".repeat(125), 999],
    ["a\u0085b", 0],
    ["\ud800", 0],
  ])("refuses %j for a request whose last event is number %d", (key, lastPlace) => {
    expect(() => parseEventKey(key, lastPlace)).toThrow(refused);
  });
});
