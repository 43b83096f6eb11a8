import { describe, expect, test } from "bun:test";
import { API_KEY, commandRoutes, read, SECRET } from "../../support/command-routes.ts";
import { KIOSK, NOW, turns } from "../../support/commands-world.ts";

const COMMANDS = "kiosk/commands";

function post(body: unknown): RequestInit {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { method: "POST", headers: API_KEY, body: text };
}

describe("POST /v1/devices/{id}/commands", () => {
  test("takes a key again without what was said of the command before", async () => {
    const { ask } = commandRoutes();
    const first = await read(
      ask(COMMANDS, post({ type: "open", key: "k", ttl: 60, priority: 3, max_attempts: 2 })),
    );
    const again = await read(ask(COMMANDS, post({ type: "open", key: "k" })));
    expect([again.status, again.body.id]).toEqual([202, first.body.id]);
    const longer = await read(ask(COMMANDS, post({ type: "open", key: "k", ttl: 61 })));
    expect([longer.status, longer.body.expires_at]).toEqual([202, first.body.expires_at]);
    const other = await read(ask(COMMANDS, post({ type: "open", key: "k", priority: 4 })));
    expect([other.status, other.body.code]).toEqual([409, "command_key_taken"]);
    expect(other.body.detail).toEndWith("another command, which has another priority");
  });

  test("takes the API key from the query, and no other parameter", async () => {
    const { ask } = commandRoutes();
    const init = { method: "POST", body: '{"type":"open"}' };
    const key = `api_key=${API_KEY["x-api-key"]}`;
    expect((await ask(`${COMMANDS}?${key}`, init)).status).toBe(202);
    const { status, body } = await read(ask(`${COMMANDS}?${key}&ttl=5`, init));
    expect([status, body.code]).toEqual([400, "query_invalid"]);
    expect(body.detail).toBe('the parameter "ttl" is unknown, known are api_key');
  });

  test("queues the command, its data as it was written, and says so", async () => {
    const { ask } = commandRoutes();
    const { status, text, body } = await read(
      ask(COMMANDS, post('{"type":"open","data":{"b":1.0},"ttl":60,"priority":3,"key":"k"}')),
    );
    expect(status).toBe(202);
    expect(text).toContain('"data":{"b":1.0}');
    expect(body).toMatchObject({
      device: "kiosk",
      type: "open",
      status: "queued",
      attempt: 0,
      priority: 3,
      key: "k",
      sender: { kind: "backend" },
      created_at: NOW,
      expires_at: NOW + 60_000,
      server_time: NOW,
    });
  });

  test("waits for the result, and answers with it", async () => {
    const { ask, fetch, receiving } = commandRoutes();
    const sending = read(ask(COMMANDS, post({ type: "open", wait: 50 })));
    await turns(100);
    const [command] = (await fetch()).commands;
    if (command !== undefined) await receiving.settle(KIOSK, command.id, { ok: true, data: "1.0" });
    const { status, text, body } = await sending;
    expect([status, body.status]).toEqual([200, "done"]);
    expect(text).toContain('"result":{"ok":true,"data":1.0}');
  });

  test("answers what is so when the wait is over", async () => {
    const { ask, clock } = commandRoutes();
    const sending = read(ask(COMMANDS, post({ type: "open", wait: 0.5 })));
    await turns(100);
    clock.advance(500);
    const { status, body } = await sending;
    expect([status, body.status]).toEqual([202, "queued"]);
  });

  test.each([
    ["device_unknown", 404, "nobody/commands", { type: "open" }],
    ["device_malformed", 400, "-/commands", { type: "open" }],
    ["command_invalid", 400, COMMANDS, { type: "open", surprise: 1 }],
    ["command_invalid", 400, COMMANDS, { type: "" }],
    ["command_invalid", 400, COMMANDS, { type: "open", wait: 51 }],
    ["command_invalid", 400, COMMANDS, { type: "open", ttl: 0 }],
    ["command_invalid", 400, COMMANDS, { type: "open", priority: 10 }],
    ["body_malformed", 400, COMMANDS, "nonsense"],
    ["command_invalid", 400, COMMANDS, { type: "open", data: "x".repeat(70_000) }],
    ["body_too_large", 413, COMMANDS, { type: "open", data: "x".repeat(300_000) }],
  ])("refuses as %s, with status %i", async (...[code, status, path, body]) => {
    const { ask, queue } = commandRoutes();
    const answer = await read(ask(path, post(body)));
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(queue.records.size).toBe(0);
  });

  test("names the key that it does not know", async () => {
    const { ask } = commandRoutes();
    const { body } = await read(ask(COMMANDS, post({ type: "open", surprise: 1 })));
    expect(body.detail).toContain("surprise");
  });

  test("is for the backend only", async () => {
    const { ask } = commandRoutes();
    const init = { method: "POST", body: '{"type":"open"}' };
    const none = await read(ask(COMMANDS, init));
    const device = await read(ask(COMMANDS, { ...init, headers: SECRET }));
    expect([none.body.code, device.body.code]).toEqual(["api_key_missing", "api_key_wrong"]);
    expect(device.body.detail).toEndWith("a device's secret opens the routes of its device only");
  });
});

describe("the commands of a device, for the backend", () => {
  test("are listed newest first, page by page", async () => {
    const { ask, send } = commandRoutes();
    const [a, b, c] = [await send(), await send(), await send()];
    const list = async (query: string) => {
      const { body } = await read(ask(`${COMMANDS}?${query}`, { headers: API_KEY }));
      return [body.commands.map((it: { id: string }) => it.id), body.next, body.server_time];
    };
    expect(await list("limit=2")).toEqual([[c.id, b.id], b.id, NOW]);
    expect(await list(`limit=2&before=${b.id}`)).toEqual([[a.id], undefined, NOW]);
  });

  test("are told from the device's own poll by the credential", async () => {
    const { ask, send, queue } = commandRoutes();
    const { id } = await send();
    const bearer = { authorization: `Bearer ${API_KEY["x-api-key"]}` };
    const { body } = await read(ask(COMMANDS, { headers: bearer }));
    expect(body.commands).toMatchObject([{ id, status: "queued" }]);
    expect(queue.leases).toEqual([]);
  });

  test("are found one by one, by the ids that they have", async () => {
    const { ask, send } = commandRoutes();
    const { id } = await send();
    const found = await read(ask(`${COMMANDS}/${id}`, { headers: API_KEY }));
    const missing = await read(ask(`${COMMANDS}/other`, { headers: API_KEY }));
    const elsewhere = await read(ask(`other/commands/${id}`, { headers: API_KEY }));
    expect(found.body).toMatchObject({ id, status: "queued", server_time: NOW });
    expect([missing.status, missing.body.code]).toEqual([404, "command_unknown"]);
    expect(elsewhere.body.code).toBe("command_unknown");
  });

  test("are canceled while they are queued, and not later", async () => {
    const { ask, send, fetch } = commandRoutes();
    const [a, b] = [await send({ priority: 1 }), await send()];
    const cancel = (id: string) =>
      read(ask(`${COMMANDS}/${id}`, { method: "DELETE", headers: API_KEY }));
    const canceled = await cancel(b.id);
    expect([canceled.status, canceled.body.status]).toEqual([200, "canceled"]);
    expect((await fetch()).commands.map(({ id }) => id)).toEqual([a.id]);
    const refused = await cancel(a.id);
    expect([refused.status, refused.body.code]).toEqual([409, "command_leased"]);
  });

  test.each([
    ["query_invalid", `${COMMANDS}?limit=0`],
    ["query_invalid", `${COMMANDS}?status=queued`],
    ["query_invalid", `${COMMANDS}/c-1?wait=1`],
    ["command_unknown", `${COMMANDS}?before=%20`],
    ["device_unknown", "nobody/commands"],
  ])("are refused as %s", async (code, path) => {
    const { ask } = commandRoutes();
    expect((await read(ask(path, { headers: API_KEY }))).body.code).toBe(code);
  });
});
