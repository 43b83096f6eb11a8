import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/core/limits.ts";
import { commandRoutes, read, SECRET } from "../../support/command-routes.ts";
import { KIOSK, NOW, turns } from "../../support/commands-world.ts";

const POLL = "kiosk/commands";

function post(body: string): RequestInit {
  return { method: "POST", headers: SECRET, body };
}

describe("GET /v1/devices/{id}/commands of a device", () => {
  test("answers with what is leased to it, its data as it was sent", async () => {
    const { ask, send, seen } = commandRoutes();
    const { id } = await send({ data: '{"n":1.0,"big":12345678901234567890}' });
    const { status, headers, text, body } = await read(ask(POLL, { headers: SECRET }));
    expect(status).toBe(200);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(text).toContain('"data":{"n":1.0,"big":12345678901234567890}');
    expect(body).toMatchObject({
      commands: [{ id, type: "open", attempt: 1, expires_at: NOW + LIMITS.commandTtlMs }],
      cursor: expect.any(String),
      server_time: NOW,
    });
    expect(body.state).toBeUndefined();
    expect(seen).toEqual(["kiosk"]);
  });

  test("acknowledges what its cursor names", async () => {
    const { ask, send, queue } = commandRoutes();
    const { id } = await send();
    const { body } = await read(ask(POLL, { headers: SECRET }));
    const { status } = await read(ask(`${POLL}?wait=0&cursor=${body.cursor}`, { headers: SECRET }));
    expect([status, queue.records.get(id)?.status]).toEqual([204, "acked"]);
  });

  test("is held for 25 s, and then says that there is nothing, and what time it is", async () => {
    const { ask, clock, presence } = commandRoutes();
    const polling = read(ask(POLL, { headers: SECRET }));
    await turns(60);
    expect(presence.holds).toBe(1);
    clock.advance(25_000);
    const { status, headers } = await polling;
    expect(status).toBe(204);
    expect(headers.get("server-time")).toBe(String(NOW + 25_000));
    expect(headers.get("retry-after")).toBeNull();
    expect(headers.get("cache-control")).toBe("no-store");
    expect([presence.holds, presence.posts]).toEqual([0, 0]);
  });

  test("is answered as soon as there is a command", async () => {
    const { ask, send } = commandRoutes();
    const polling = read(ask(`${POLL}?wait=50`, { headers: SECRET }));
    await turns(60);
    const { id } = await send();
    expect((await polling).body.commands).toMatchObject([{ id }]);
  });

  test("is held no longer than proxies bear", async () => {
    const { ask, clock } = commandRoutes();
    const polling = read(ask(`${POLL}?wait=600`, { headers: SECRET }));
    await turns(60);
    clock.advance(LIMITS.heldMaxSeconds * 1000);
    expect((await polling).status).toBe(204);
  });

  test("without a wait is answered at once and counts as heard of", async () => {
    const { ask, presence } = commandRoutes();
    expect((await read(ask(`${POLL}?wait=0`, { headers: SECRET }))).status).toBe(204);
    expect([presence.holds, presence.posts]).toEqual([0, 1]);
  });

  test("is let go when the server drains, to come again a little later", async () => {
    const { ask, releaseAll } = commandRoutes();
    const polling = read(ask(POLL, { headers: SECRET }));
    await turns(60);
    releaseAll();
    const { status, headers } = await polling;
    expect([status, headers.get("retry-after")]).toEqual([204, "6"]);
  });

  test("of a device that hung up leaves no waiter", async () => {
    const { ask, clock, presence } = commandRoutes();
    const timers = clock.pending;
    const gone = new AbortController();
    const polling = ask(POLL, { headers: SECRET, signal: gone.signal });
    await turns(60);
    expect(clock.pending).toBe(timers + 1);
    gone.abort();
    await polling;
    expect([clock.pending, presence.holds]).toEqual([timers, 0]);
  });

  test("brings what the device is to change about itself", async () => {
    const { ask, desire } = commandRoutes();
    const polling = read(ask(POLL, { headers: SECRET }));
    await turns(60);
    desire('{"volume":7.0}', 3);
    const { status, text } = await polling;
    expect(status).toBe(200);
    expect(text).toContain('"state":{"delta":{"volume":7.0},"desired_version":3}');
    expect(text).toStartWith('{"commands":[],"cursor":"');
  });

  test.each([
    ["wait", "wait=soon"],
    ["wait", "wait=-1"],
    ["wait", "wait=1.5"],
    ["max", "max=0"],
    ["cursor", "cursor=%22"],
    ["cursor", "cursor=abc"],
  ])("refuses an unusable %s: %s", async (name, query) => {
    const { ask } = commandRoutes();
    const { status, body } = await read(ask(`${POLL}?${query}`, { headers: SECRET }));
    expect([status, body.code]).toEqual([400, "query_invalid"]);
    expect(body.detail).toStartWith(`${name} is `);
  });

  test("takes a cursor of long ago", async () => {
    const { ask } = commandRoutes();
    const query = "wait=0&cursor=019b76da-a800-7000-8000-000000000001";
    expect((await ask(`${POLL}?${query}`, { headers: SECRET })).status).toBe(204);
  });

  test.each([
    ["?wiat=0", '"wiat" is unknown, known are wait, max, cursor'],
    ["?limit=5", '"limit" is unknown'],
    ["/stream?wait=1", '"wait" is unknown, known are lastEventId'],
  ])("refuses a parameter that it does not have: %s", async (rest, detail) => {
    const { ask, send, queue } = commandRoutes();
    const { id } = await send();
    const { status, body } = await read(ask(`${POLL}${rest}`, { headers: SECRET }));
    expect([status, body.code]).toEqual([400, "query_invalid"]);
    expect(body.detail).toContain(detail);
    expect(queue.records.get(id)?.status).toBe("queued");
  });

  test("needs the device's own secret", async () => {
    const { ask, presence } = commandRoutes();
    const none = await read(ask(POLL));
    const wrong = await read(ask(POLL, { headers: { authorization: "Bearer secret-of-other" } }));
    expect([none.body.code, wrong.body.code]).toEqual(["secret_missing", "secret_wrong"]);
    expect([none.status, wrong.status]).toEqual([401, 401]);
    expect(wrong.body.detail).toEndWith("and it is no API key");
    expect(presence.posts).toBe(0);
  });

  test("is not for HEAD, whose answer would lose what was leased", async () => {
    const { ask, send, queue } = commandRoutes();
    const { id } = await send();
    const { status } = await ask(POLL, { method: "HEAD", headers: SECRET });
    expect([status, queue.records.get(id)?.status]).toEqual([405, "queued"]);
  });

  test("too many at a time of one device end the oldest, to come again after a while", async () => {
    const { ask, clock } = commandRoutes();
    const [oldest, ...polls] = Array.from({ length: LIMITS.commandWaitersPerDevice + 1 }, () =>
      ask(POLL, { headers: SECRET }),
    );
    const answer = await oldest;
    expect([answer?.status, answer?.headers.get("retry-after")]).toEqual([204, "6"]);
    clock.advance(25_000);
    for (const poll of polls) expect((await poll).headers.has("retry-after")).toBe(false);
  });

  test("with a secret that was replaced meanwhile ends without anything", async () => {
    const { ask, send, receivers, queue } = commandRoutes();
    const poll = ask(POLL, { headers: SECRET });
    await turns(100);
    receivers.dismiss(KIOSK);
    const { id } = await send();
    const { status, headers } = await poll;
    expect([status, headers.has("retry-after")]).toEqual([204, false]);
    expect(queue.records.get(id)).toMatchObject({ status: "queued", attempt: 0 });
  });
});

describe("POST /v1/devices/{id}/commands/{c}/ack and …/result", () => {
  test("are answered with the command's status, and repeated without harm", async () => {
    const { ask, send, fetch } = commandRoutes();
    const { id } = await send();
    await fetch();
    const ack = () => read(ask(`kiosk/commands/${id}/ack`, post("")));
    const result = () => read(ask(`kiosk/commands/${id}/result`, post('{"ok":true,"data":1.0}')));
    const answers = [await ack(), await ack(), await result(), await result(), await ack()];
    expect(answers.map(({ status, body }) => [status, body.id, body.status])).toEqual([
      [200, id, "acked"],
      [200, id, "acked"],
      [200, id, "done"],
      [200, id, "done"],
      [200, id, "done"],
    ]);
    expect(answers[0]?.body.server_time).toBe(NOW);
  });

  test("keep the result as it was written, also of a command that is queued again", async () => {
    const { ask, send, fetch, clock, queue } = commandRoutes();
    const { id } = await send();
    await fetch();
    clock.advance(LIMITS.commandLeaseMs);
    await turns();
    clock.advance(LIMITS.commandTickMs);
    await turns();
    expect(queue.records.get(id)?.status).toBe("queued");
    await ask(`kiosk/commands/${id}/result`, post('{"ok":true,"data":{"b":1.0,"a":2}}'));
    expect(queue.records.get(id)).toMatchObject({
      status: "done",
      attempt: 1,
      result: '{"ok":true,"data":{"b":1.0,"a":2}}',
    });
  });

  test.each([
    ["command_unknown", 404, "nothing/ack", ""],
    ["command_unknown", 404, "nothing/result", '{"ok":true}'],
    ["result_invalid", 400, "nothing/result", '{"ok":true,"more":1}'],
    ["result_invalid", 400, "nothing/result", '{"ok":false}'],
    ["body_malformed", 400, "nothing/result", "nonsense"],
  ])("are refused as %s", async (...[code, status, path, text]) => {
    const { ask } = commandRoutes();
    const answer = await read(ask(`kiosk/commands/${path}`, post(text)));
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  test("are refused of a command that was never delivered, or has ended otherwise", async () => {
    const { ask, send, commands } = commandRoutes();
    const { id, device } = await send();
    const early = await read(ask(`kiosk/commands/${id}/ack`, post("")));
    await commands.cancel(device, id);
    const late = await read(ask(`kiosk/commands/${id}/result`, post('{"ok":true}')));
    expect([early.status, early.body.code]).toEqual([409, "command_undelivered"]);
    expect([late.status, late.body.code]).toEqual([409, "command_settled"]);
  });
});
