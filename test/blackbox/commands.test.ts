import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Fleet } from "../support/fleet.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

/** More than a double can hold, and written as nobody would print it. */
const EXACT = '{"n":9007199254740993,"z":1.50,"a":[ ]}';

describe.each(TARGETS)("a command sent through $name", (target) => {
  test("is queued, sent, acknowledged and done, and everybody can see where it is", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    const listener = await fleet.listener(till);
    const id = await fleet.sendOk(till, `{"type":"open","data":${EXACT}}`);
    expect(await fleet.command(till, id)).toMatchObject({ status: "queued", attempt: 0 });

    const polled = await till.poll("wait=10");
    expect(polled.text).toContain(`"type":"open","data":${EXACT},"attempt":1`);
    expect(polled.body["server_time"]).toBeNumber();
    expect(await fleet.command(till, id)).toMatchObject({ status: "leased", attempt: 1 });

    expect((await till.ack(id)).body).toMatchObject({ id, status: "acked" });
    expect(await fleet.command(till, id)).toMatchObject({ status: "acked", attempt: 1 });

    const settled = await till.settle(id, `{"ok":true,"data":${EXACT}}`);
    expect(settled.body).toMatchObject({ id, status: "done" });
    const found = await fleet.api("GET", `/v1/devices/till-1/commands/${id}`);
    expect(found.body).toMatchObject({ status: "done", attempt: 1, sender: { kind: "backend" } });
    expect(found.text).toContain(`"result":{"ok":true,"data":${EXACT}}`);

    await listener.told("command.done");
    const ofIt = listener.events.filter(({ data }) => data["command"] === id);
    expect(ofIt.map(({ type }) => type)).toEqual([
      "command.queued",
      "command.sent",
      "command.acked",
      "command.done",
    ]);
  });

  test("is acknowledged with all the others of an answer by its cursor in the next poll", async () => {
    await using fleet = await Fleet.start(target, { devices: { command_lease: "1s" } });
    const till = await fleet.addDevice("till-1");
    const ids = [await fleet.sendOk(till, { type: "a" }), await fleet.sendOk(till, { type: "b" })];
    const { cursor, commands } = await till.poll("wait=10&max=10");
    expect(commands.map(({ id }) => id)).toEqual(ids);
    // Held beyond the lease, after which what was not acknowledged would come again.
    const after = await till.poll(`wait=3&cursor=${cursor}`);
    expect(after.status).toBe(204);
    expect(Number(after.headers.get("server-time"))).toBeGreaterThan(1_700_000_000_000);
    for (const id of ids) {
      expect(await fleet.command(till, id)).toMatchObject({ status: "acked", attempt: 1 });
    }
  });

  test("answers its sender who waits with the result, also that of a failure", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    const waiting = fleet.send(till, { type: "open", wait: 10 });
    await till.settle((await till.next()).id, `{"ok":true,"data":${EXACT}}`);
    const done = await waiting;
    expect(done.status).toBe(200);
    expect(done.body).toMatchObject({ status: "done" });
    expect(done.text).toContain(EXACT);

    const hoping = fleet.send(till, { type: "open", wait: 10 });
    const error = { code: "jammed", message: "The door is jammed" };
    await till.settle((await till.next()).id, { ok: false, error });
    const failed = await hoping;
    expect(failed.status).toBe(200);
    expect(failed.body).toMatchObject({ status: "failed", result: { ok: false, error } });
  });

  test("answers its sender with 202 and what is so when the wait was too short", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    const answer = await fleet.send(till, { type: "open", wait: 0.2 });
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({ status: "queued", attempt: 0 });
  });

  test("can be canceled until it is delivered, and not after", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    const first = await fleet.sendOk(till, { type: "first" });
    const path = `/v1/devices/till-1/commands/${first}`;
    const canceled = await fleet.api("DELETE", path);
    expect([canceled.status, canceled.body["status"]]).toEqual([200, "canceled"]);
    expect((await fleet.api("DELETE", path)).status).toBe(200);

    const second = await fleet.sendOk(till, { type: "second" });
    expect((await till.next()).id).toBe(second);
    const late = await fleet.api("DELETE", `/v1/devices/till-1/commands/${second}`);
    expect([late.status, late.body["code"]]).toEqual([409, "command_leased"]);
    await till.settle(second);
    const tooLate = await fleet.api("DELETE", `/v1/devices/till-1/commands/${second}`);
    expect([tooLate.status, tooLate.body["code"]]).toEqual([409, "command_settled"]);
    const refused = await till.settle(first);
    expect([refused.status, refused.body["code"]]).toEqual([409, "command_settled"]);
  });

  test("expires when its time to live is over, delivered or not, and is told so", async () => {
    await using fleet = await Fleet.start(target);
    const [away, silent] = [await fleet.addDevice("away"), await fleet.addDevice("silent")];
    const [ofAway, ofSilent] = [await fleet.listener(away), await fleet.listener(silent)];
    const unseen = await fleet.sendOk(away, { type: "open", ttl: 1 });
    const seen = await fleet.sendOk(silent, { type: "open", ttl: 1 });
    expect(await silent.next()).toMatchObject({ id: seen, attempt: 1 });

    expect((await ofAway.told("command.expired")).data).toMatchObject({
      command: unseen,
      attempt: 0,
    });
    expect((await ofSilent.told("command.expired")).data).toMatchObject({
      command: seen,
      attempt: 1,
    });
    expect(await fleet.command(away, unseen)).toMatchObject({ status: "expired" });
    expect((await away.poll("wait=0")).status).toBe(204);
    expect((await silent.ack(seen)).body["code"]).toBe("command_settled");
  });

  test("goes before others of a lower priority, and after those that came earlier", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    const sent = [["low"], ["mid-1", 5], ["top", 9], ["mid-2", 5], ["low-2"]] as const;
    for (const [type, priority] of sent) await fleet.sendOk(till, { type, priority });
    const first = await till.poll("wait=0&max=2");
    const rest = await till.poll("wait=0&max=10");
    const order = [...first.commands, ...rest.commands].map(({ type }) => type);
    expect(order).toEqual(["top", "mid-1", "mid-2", "low", "low-2"]);
  });

  test("with a key is the same command however often it is sent, and never another one", async () => {
    await using fleet = await Fleet.start(target);
    const [till, other] = [await fleet.addDevice("till-1"), await fleet.addDevice("till-2")];
    const body = { type: "open", data: { n: 1 }, key: "order-7" };
    const answers = await Promise.all(Array.from({ length: 10 }, () => fleet.send(till, body)));
    expect(new Set(answers.map((answer) => answer.body["id"])).size).toBe(1);
    expect(answers.every(({ status }) => status === 202)).toBe(true);
    const changed = await fleet.send(till, { ...body, data: { n: 2 } });
    expect([changed.status, changed.body["code"]]).toEqual([409, "command_key_taken"]);
    expect(await fleet.sendOk(other, body)).not.toBe(String(answers[0]?.body["id"]));

    await till.settle((await till.next()).id);
    expect((await till.poll("wait=0")).status).toBe(204);
    const repeated = await fleet.send(till, { ...body, wait: 10 });
    expect(repeated.status).toBe(200);
    expect(repeated.body).toMatchObject({ id: answers[0]?.body["id"], status: "done" });
  });

  test("is listed newest first, a page at a time", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) ids.unshift(await fleet.sendOk(till, { type: "t", data: n }));
    const found: unknown[] = [];
    let next: unknown = "";
    while (next !== undefined) {
      const { body } = await fleet.api("GET", `/v1/devices/till-1/commands?limit=2&before=${next}`);
      found.push(...(body["commands"] as { readonly id: string }[]).map(({ id }) => id));
      next = body["next"];
    }
    expect(found).toEqual(ids);
  });

  test("is refused for a device or a command that is not there, or by what is not its device", async () => {
    await using fleet = await Fleet.start(target);
    const [till, other] = [await fleet.addDevice("till-1"), await fleet.addDevice("till-2")];
    const id = await fleet.sendOk(till, { type: "open" });
    const asked = [
      await fleet.api("POST", "/v1/devices/nobody/commands", { body: { type: "open" } }),
      await fleet.api("GET", "/v1/devices/nobody/commands"),
      await fleet.api("GET", `/v1/devices/till-2/commands/${id}`),
      await fleet.api("DELETE", `/v1/devices/till-2/commands/${id}`),
      await other.ack(id),
      await other.settle(id),
      await till.ack(id),
      await fleet.send(till, { type: "open", color: "red" }),
      await fleet.device("till-1", other.secret).poll("wait=0"),
    ];
    expect(asked.map(({ status, body }) => [status, body["code"]])).toEqual([
      [404, "device_unknown"],
      [404, "device_unknown"],
      [404, "command_unknown"],
      [404, "command_unknown"],
      [404, "command_unknown"],
      [404, "command_unknown"],
      [409, "command_undelivered"],
      [400, "command_invalid"],
      [401, "secret_wrong"],
    ]);
    expect(asked[7]?.text).toContain("color");
    expect(await fleet.command(till, id)).toMatchObject({ status: "queued", attempt: 0 });
  });
});
