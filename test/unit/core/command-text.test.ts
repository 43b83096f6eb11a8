import { describe, expect, test } from "bun:test";
import { type CommandRecord, enqueueCommand, parseCommandId } from "../../../src/core/command.ts";
import {
  commandEvent,
  encodeCommand,
  encodeDelivery,
  withoutKey,
} from "../../../src/core/command-text.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { encodeOwnEvent } from "../../../src/core/own-event.ts";

const DATA = '{"9":1, "1":9007199254740993,"x":1.0}';

const queued = enqueueCommand(
  {
    device: parseDeviceId("kiosk-1"),
    type: 'say "hi"',
    data: DATA,
    sender: { kind: "user", user: "anna" },
    key: "k-1",
    ttlMs: 5_000,
  },
  { id: parseCommandId("c-1"), nowMs: 1_000 },
);
const common =
  '"priority":0,"sender":{"kind":"user","user":"anna"},"key":"k-1","created_at":1000,"expires_at":6000';
const commonWithoutKey = common.replace('"key":"k-1",', "");
const done: CommandRecord = {
  ...queued,
  status: "done",
  attempt: 2,
  finishedAtMs: 3_000,
  result: '{"ok":true,"data":1.0}',
};

describe("commandEvent()", () => {
  test("tells of a new command with its data untouched", () => {
    expect(encodeOwnEvent(commandEvent(queued, 1_000))).toBe(
      `{"id":"c-1.queued.0","type":"command.queued","device":"kiosk-1","time":1000,"data":` +
        `{"command":"c-1","type":"say \\"hi\\"","status":"queued","attempt":0,${commonWithoutKey},"data":${DATA}}}`,
    );
  });

  test("tells of an end with its result untouched and without the data", () => {
    expect(encodeOwnEvent(commandEvent(done, 3_000))).toBe(
      `{"id":"c-1.done.2","type":"command.done","device":"kiosk-1","time":3000,"data":` +
        `{"command":"c-1","type":"say \\"hi\\"","status":"done","attempt":2,${commonWithoutKey},` +
        `"finished_at":3000,"result":{"ok":true,"data":1.0}}}`,
    );
  });

  test("tells the backend of the key, too, and of nothing else", () => {
    expect(commandEvent(queued, 1_000).backendData).toBe(
      `{"command":"c-1","type":"say \\"hi\\"","status":"queued","attempt":0,${common},"data":${DATA}}`,
    );
    expect(commandEvent(withoutKey(queued), 1_000)).not.toHaveProperty("backendData");
  });

  test.each<[CommandRecord["status"], string]>([
    ["queued", "command.queued"],
    ["leased", "command.sent"],
    ["acked", "command.acked"],
    ["done", "command.done"],
    ["failed", "command.failed"],
    ["expired", "command.expired"],
    ["canceled", "command.canceled"],
  ])("tells of the status %s as %s", (status, type) => {
    const event = JSON.parse(encodeOwnEvent(commandEvent({ ...queued, status, attempt: 1 }, 9)));
    expect(event).toMatchObject({ id: `c-1.${status}.1`, type, data: { status, attempt: 1 } });
    expect(event.data).not.toHaveProperty("data");
  });
});

test("encodeCommand() shows everything but how it is being delivered", () => {
  const leased: CommandRecord = {
    ...queued,
    status: "leased",
    attempt: 1,
    receiver: "poll-1",
    leaseUntilMs: 4_000,
  };
  expect(encodeCommand(leased)).toBe(
    `{"id":"c-1","device":"kiosk-1","type":"say \\"hi\\"","status":"leased","attempt":1,${common},"data":${DATA}}`,
  );
  expect(encodeCommand({ ...leased, maxAttempts: 3 })).toContain('"attempt":1,"max_attempts":3,');
  expect(encodeCommand(done)).toContain(`"data":${DATA},"result":${done.result}}`);
});

test("encodeDelivery() gives the device what it needs and no more", () => {
  expect(encodeDelivery({ ...queued, attempt: 2 })).toBe(
    `{"id":"c-1","type":"say \\"hi\\"","data":${DATA},"attempt":2,"expires_at":6000}`,
  );
});
