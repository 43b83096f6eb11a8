import { describe, expect, test } from "bun:test";
import {
  type CommandRecord,
  type CommandStatus,
  enqueueCommand,
  parseCommandId,
} from "../../../src/core/command.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { createResultWaiters } from "../../../src/core/result-waiters.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const ID = parseCommandId("c-1");
const WAIT_MS = 30_000;

function command(status: CommandStatus, id = ID): CommandRecord {
  const request = {
    device: parseDeviceId("kiosk-1"),
    type: "open",
    data: "{}",
    sender: { kind: "backend" as const },
  };
  return { ...enqueueCommand(request, { id, nowMs: 0 }), status };
}

function world() {
  const clock = new FakeClock();
  return { clock, waiters: createResultWaiters({ clock, limits: { resultWaitersMax: 3 } }) };
}

describe("wait()", () => {
  test.each<CommandStatus>(["done", "failed", "expired", "canceled"])(
    "brings the command that is %s to everyone who waits for it",
    async (status) => {
      const { waiters, clock } = world();
      const waits = [waiters.wait(ID, WAIT_MS), waiters.wait(ID, WAIT_MS)];
      const record = command(status);
      waiters.changed(record);
      expect(await Promise.all(waits)).toEqual([record, record]);
      expect([waiters.count, clock.pending]).toEqual([0, 0]);
    },
  );

  test.each<CommandStatus>(["queued", "leased", "acked"])(
    "goes on when the command is %s",
    async (status) => {
      const { waiters, clock } = world();
      const wait = waiters.wait(ID, WAIT_MS);
      waiters.changed(command(status));
      expect(waiters.count).toBe(1);
      clock.advance(WAIT_MS);
      expect(await wait).toBe("timeout");
    },
  );

  test("goes on when another command ends", async () => {
    const { waiters, clock } = world();
    const wait = waiters.wait(ID, WAIT_MS);
    waiters.changed(command("done", parseCommandId("c-2")));
    clock.advance(WAIT_MS);
    expect(await wait).toBe("timeout");
    expect([waiters.count, clock.pending]).toEqual([0, 0]);
  });

  test("ends when the peer goes, or has gone before", async () => {
    const { waiters, clock } = world();
    const gone = new AbortController();
    const wait = waiters.wait(ID, WAIT_MS, gone.signal);
    gone.abort();
    expect(await wait).toBe("released");
    expect(await waiters.wait(ID, WAIT_MS, gone.signal)).toBe("released");
    expect([waiters.count, clock.pending]).toEqual([0, 0]);
  });

  test("refuses more than may wait, until one ends", async () => {
    const { waiters } = world();
    for (const id of ["c-1", "c-2", "c-3"]) void waiters.wait(parseCommandId(id), WAIT_MS);
    await expect(waiters.wait(ID, WAIT_MS)).rejects.toMatchObject({ code: "waiters_exceeded" });
    waiters.changed(command("done"));
    void waiters.wait(ID, WAIT_MS);
    expect(waiters.count).toBe(3);
  });
});

describe("releaseAll()", () => {
  test("ends every wait, and each later one at once", async () => {
    const { waiters, clock } = world();
    const waits = [waiters.wait(ID, WAIT_MS), waiters.wait(parseCommandId("c-2"), WAIT_MS)];
    waiters.releaseAll();
    expect(await Promise.all(waits)).toEqual(["released", "released"]);
    expect(await waiters.wait(ID, WAIT_MS)).toBe("released");
    expect([waiters.count, clock.pending]).toEqual([0, 0]);
  });
});
