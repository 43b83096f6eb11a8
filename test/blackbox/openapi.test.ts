import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createSqliteEngine } from "../../src/engine/sqlite/engine.ts";
import { ANSWERS } from "../../src/openapi/answers.ts";
import { BACKEND_KEY } from "../support/backend.ts";
import { CentrifugeClient } from "../support/centrifuge-client.ts";
import { runCliOk } from "../support/cli.ts";
import { DescribedServer } from "../support/described-server.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { createFakeEntropy } from "../support/fake-entropy.ts";
import { FakeJPush } from "../support/fake-jpush.ts";
import { FakeWebhookReceiver, WEBHOOK_SECRET } from "../support/fake-webhook-receiver.ts";
import { FakeWeChat } from "../support/fake-wechat.ts";
import { deliveryOn, GuidedDevice } from "../support/guided-device.ts";
import { type Posthorn, startPosthorn } from "../support/posthorn.ts";
import { RecordingLog } from "../support/recording-log.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const FLEET_KEY = "fleet-key-0123456789";
const ANNA = { openid: "oAnna-4QQ_1mm83trKrCNaof6Gf0" };
const DEAD = { endpoint: "backend", type: "sold", body: '{"type":"sold"}', createdAtMs: 1 };

/** One runtime is enough: the routes and what they say are the same on each. */
const [BUN] = TARGETS.filter(({ name }) => name === "bun");

/** A server with everything that routes are about, whose answers are checked. */
class World implements AsyncDisposable {
  readonly wechat: FakeWeChat;
  readonly server: Posthorn;
  readonly described: DescribedServer;
  readonly backend: ReturnType<DescribedServer["as"]>;
  readonly anybody: ReturnType<DescribedServer["as"]>;
  readonly #scope: AsyncDisposableStack;

  private constructor(wechat: FakeWeChat, server: Posthorn, scope: AsyncDisposableStack) {
    this.wechat = wechat;
    this.server = server;
    this.described = new DescribedServer(server.url);
    this.backend = this.described.as({ "x-api-key": BACKEND_KEY });
    this.anybody = this.described.as({});
    this.#scope = scope;
  }

  static async start(): Promise<World> {
    if (BUN === undefined) throw new Error("Cannot test without the target bun");
    await using scope = new AsyncDisposableStack();
    const workspace = scope.use(await Workspace.make());
    const wechat = scope.use(new FakeWeChat());
    const jpush = scope.use(new FakeJPush());
    const receiver = scope.use(new FakeWebhookReceiver());
    await leaveDeadLetters(workspace.file("posthorn.db"));
    const { appKey: app_key, ...jpushSettings } = jpush.settings;
    const { appId: app_id, ...wechatSettings } = wechat.settings;
    const config = {
      api: { keys: [BACKEND_KEY] },
      devices: { fleet_keys: [FLEET_KEY] },
      channels: { chat: { history_size: 10, presence: true, allow_subscribe: true } },
      webhooks: { backend: { url: receiver.url, secret: WEBHOOK_SECRET, events: ["sold"] } },
      push: { jpush: { provider: "jpush", ...jpushSettings, app_key } },
      logins: { wechat: { provider: "wechat", ...wechatSettings, app_id } },
    };
    const server = scope.use(await startPosthorn(BUN, { workspace, config }));
    return new World(wechat, server, scope.move());
  }

  /** Adds a device; asks as it. */
  readonly addDevice = async (id: string) => {
    const { body } = await this.backend("POST /v1/devices", { id, name: "Lobby", meta: { n: 1 } });
    const secret = String(body["secret"]);
    const ask = this.described.as({ authorization: `Bearer ${secret}`, "x-app-version": "2.4.1" });
    return { ask, guided: new GuidedDevice(this.server.url, { id, secret }) };
  };

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope.disposeAsync();
  }
}

/** What nobody would try again: it takes a day to come to that. */
async function leaveDeadLetters(file: string): Promise<void> {
  await using engine = await createSqliteEngine({
    location: { file },
    sync: "normal",
    deliver: () => undefined,
    outboxGrew: () => undefined,
    ownEvents: { retention: { sizeMax: 1, ttlMs: 1 }, endpoints: {} },
    clock: new FakeClock(Date.now()),
    entropy: createFakeEntropy(),
    log: new RecordingLog(),
  });
  const nowMs = Date.now();
  for (const id of ["d-1", "d-2"]) {
    await engine.add([{ ...DEAD, id, orderKey: "kiosk", createdAtMs: nowMs }]);
    await engine.bury({ endpoint: DEAD.endpoint, id }, { atMs: nowMs, why: "said no" });
  }
}

async function walkRegistry({ backend, anybody, addDevice }: World): Promise<void> {
  await addDevice("kiosk");
  await backend("POST /v1/devices");
  await backend("POST /v1/devices", { id: "kiosk" });
  await backend("POST /v1/devices", { id: "kiosk 2" });
  await backend("POST /v1/devices", { nmae: "Lobby" });
  await backend("POST /v1/devices", "{");
  await anybody("POST /v1/devices", {});
  await anybody("GET /v1/devices/kiosk", undefined, { "x-api-key": "another" });
  await backend("GET /v1/devices/kiosk");
  await backend("GET /v1/devices/nobody");
  await backend("GET /v1/devices?limit=1&online=false&search=K");
  await backend("GET /v1/devices?limit=0");
  await backend("PATCH /v1/devices/kiosk", { meta: { n: null }, enroll: true });
  await backend("PATCH /v1/devices/kiosk", { meta: 1 });
  await backend("PATCH /v1/devices/kiosk", { meta: { a: "x".repeat(9_000) } });
  await anybody("POST /v1/enroll", { key: FLEET_KEY, device: "kiosk" });
  await anybody("POST /v1/enroll", { device: "kiosk-2" }, { authorization: `Bearer ${FLEET_KEY}` });
  await anybody("POST /v1/enroll", { key: "another", device: "kiosk-2" });
  await backend("POST /v1/devices/kiosk/secret");
  await backend("PUT /v1/users/anna/devices/kiosk", { commands: ["open"] });
  await backend("PUT /v1/users/bob/devices/kiosk");
  await backend("PUT /v1/users/bob/devices/kiosk", { commands: "*" });
  await backend("PUT /v1/users/bob/devices/nobody");
  await backend("GET /v1/users/anna/devices");
  await backend("GET /v1/devices/kiosk/users");
  await backend("DELETE /v1/users/anna/devices/kiosk");
  await backend("DELETE /v1/users/anna/devices/kiosk");
  await backend("DELETE /v1/devices/kiosk-2");
  await backend("DELETE /v1/devices/kiosk-2");
}

async function walkEvents({ addDevice, backend, anybody }: World): Promise<void> {
  const { ask } = await addDevice("till");
  const path = "/v1/devices/till";
  await ask(`POST ${path}/events`, { id: "e-1", type: "sold", data: 250 });
  await ask(`POST ${path}/events`, { id: "e-1", type: "sold", data: 250 });
  await ask(`POST ${path}/events`, { id: "e-1", type: "sold", data: 251 });
  await ask(`POST ${path}/events`, { type: "device.online" });
  await ask(`POST ${path}/events`, [
    { type: "sold", time: 0 },
    { id: "e-1", type: "x" },
  ]);
  await ask(`POST ${path}/events`, [{ type: "sold" }], { "idempotency-key": "k-1" });
  const lines = { "content-type": "application/x-ndjson" };
  await ask(`POST ${path}/events`, '{"type":"sold"}\n{"tpye":"sold"}\n', lines);
  await ask(`POST ${path}/events`, "");
  await ask(`POST ${path}/events`, "{}", { "content-encoding": "br" });
  await anybody(`POST ${path}/events`, { type: "sold" });
  await backend("GET /v1/devices/till");
  const { headers } = await ask(`PATCH ${path}/state`, { door: "shut" });
  await ask(`PATCH ${path}/state`, { door: null }, { "if-match": headers.get("etag") ?? "" });
  await ask(`PATCH ${path}/state`, { door: "shut" }, { "if-match": '"99"' });
  await ask(`PATCH ${path}/state`, "[]");
  await backend(`PATCH ${path}/state`, { light: 80 });
  await ask(`GET ${path}/state`);
  await backend("GET /v1/devices/nobody/state");
  await ask(`PUT ${path}/push`, { provider: "jpush", token: "1507bfd3f7f" });
  await ask(`PUT ${path}/push`, { provider: "fcm", token: "1507bfd3f7f" });
  await backend("GET /v1/devices/till");
  await ask(`DELETE ${path}/push`);
  await ask(`GET ${path}/commands?wait=0`);
}

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async function walkCommands({ addDevice, backend }: World): Promise<void> {
  const { ask } = await addDevice("gate");
  const path = "/v1/devices/gate/commands";
  await ask(`GET ${path}?wait=0`);
  await ask(`GET ${path}?wait=soon`);
  const open = { type: "open", data: { slot: 4 }, key: "o-1" };
  const first = await backend(`POST ${path}`, open, { traceparent: TRACEPARENT });
  await backend(`POST ${path}`, { type: "shut", key: "o-1" });
  await backend(`POST ${path}`, { type: "" });
  await backend("POST /v1/devices/nobody/commands", { type: "open" });
  const one = String(first.body["id"]);
  await ask(`POST ${path}/${one}/ack`);
  const polled = await ask(`GET ${path}?wait=5&max=1`);
  await ask(`GET ${path}?wait=0&cursor=${polled.body["cursor"]}`);
  await ask(`POST ${path}/${one}/ack`);
  await backend(`DELETE ${path}/${one}`);
  await backend(`GET ${path}/${one}`);
  await ask(`POST ${path}/${one}/result`, { ok: false, error: { code: "jam", message: "Stuck" } });
  await ask(`POST ${path}/${one}/result`, { ok: true });
  await ask(`POST ${path}/${one}/result`, { ok: "yes" });
  await backend(`GET ${path}/${one}`);
  const second = await backend(`POST ${path}`, { type: "ring", ttl: 60, priority: 9 });
  await backend(`DELETE ${path}/${second.body["id"]}`);
  await backend(`DELETE ${path}/nothing`);
  await backend(`GET ${path}?limit=1`);
}

async function walkReceivers({ addDevice, backend }: World): Promise<void> {
  const [streaming, listening] = [await addDevice("streaming"), await addDevice("listening")];
  await streaming.ask("PATCH /v1/devices/streaming/state", {});
  using stream = await streaming.guided.stream();
  await backend("POST /v1/devices/streaming/commands", { type: "ring" });
  ANSWERS.Delivery.parse(await deliveryOn(stream));
  using socket = await listening.guided.socket();
  const waited = backend("POST /v1/devices/listening/commands", { type: "ring", wait: 20 });
  const { id } = ANSWERS.Delivery.parse(await deliveryOn(socket));
  await listening.ask(`POST /v1/devices/listening/commands/${id}/result`, { ok: true, data: [1] });
  expect((await waited).status).toBe(200);
}

async function walkLogins({ backend, anybody, wechat }: World): Promise<void> {
  const grants = { channels: ["chat:a"], devices: ["till"], commands: { till: ["open"] }, ttl: 30 };
  await backend("POST /v1/tickets", { user: "anna", ...grants });
  await backend("POST /v1/tickets", { user: "anna", ttl: 0 });
  const { body } = await anybody("POST /v1/login/wechat", { code: wechat.login(ANNA) });
  await anybody("POST /v1/login/wechat", { code: "wrong" });
  await anybody("POST /v1/login/alipay", { code: "wrong" });
  await anybody("POST /v1/login/session", { session: String(body["session"]) });
  await anybody("POST /v1/login/session", { session: "wrong" });
  await anybody("POST /v1/login/session", {});
}

async function walkServerApi({ backend, anybody, server }: World): Promise<void> {
  using client = new CentrifugeClient(server.wsUrl, { token: signToken({ sub: "anna" }) });
  client.connect();
  await client.subscribe("chat:room");
  const channel = "chat:room";
  await backend("POST /api/publish", { channel, data: { n: 1 }, tags: { a: "b" } });
  await backend("POST /api/publish", { channel: "nowhere:x", data: 1 });
  await backend("POST /api/publish", { channel: 1 });
  await backend("POST /api/broadcast", { channels: [channel, "nowhere:x"], data: 1 });
  await backend("POST /api/history", { channel, limit: 5 });
  await backend("POST /api/presence", { channel });
  await backend("POST /api/presence_stats", { channel });
  await backend("POST /api/channels", {});
  await backend("POST /api/info", {});
  await backend("POST /api/subscribe", { user: "anna", channel: "chat:b" });
  await backend("POST /api/unsubscribe", { user: "anna", channel: "chat:b" });
  await backend("POST /api/refresh", { user: "anna" });
  await backend("POST /api/batch", { commands: [{ info: {} }, { publish: {} }], parallel: true });
  await backend("POST /api", { id: 1, method: "info", params: {} });
  await backend("POST /api/history_remove", { channel });
  await backend("POST /api/disconnect", { user: "anna" });
  await backend("POST /api/publish", "[]");
  await anybody("POST /api/info", {});
}

async function walkOperating({ backend, anybody }: World): Promise<void> {
  await backend("GET /v1/webhooks");
  const { body } = await backend("GET /v1/webhooks/dead?limit=1&endpoint=backend");
  await backend(`GET /v1/webhooks/dead?after=${body["next"]}`);
  await backend("GET /v1/webhooks/dead?after=nothing");
  await backend("GET /v1/webhooks/dead?endpoint=nobody");
  await backend("POST /v1/webhooks/dead/replay", { endpoint: "backend", id: "d-1" });
  await backend("POST /v1/webhooks/dead/replay", { endpoint: "backend", id: "d-1" });
  await backend("POST /v1/webhooks/dead/replay", { endpoint: "backend" });
  await backend("POST /v1/webhooks/dead/replay", {});
  await anybody("GET /healthz");
  await anybody("GET /readyz");
  await anybody("GET /metrics");
  await anybody("GET /metrics", undefined, { "x-forwarded-for": "203.0.113.7" });
  const { headers } = await anybody("GET /openapi.json");
  const again = { "if-none-match": headers.get("etag") ?? "" };
  expect((await anybody("GET /openapi.json", undefined, again)).status).toBe(304);
}

describe("the OpenAPI document", () => {
  test("describes what each route really answers", async () => {
    await using world = await World.start();
    await walkRegistry(world);
    await walkEvents(world);
    await walkCommands(world);
    await walkReceivers(world);
    await walkLogins(world);
    await walkServerApi(world);
    await walkOperating(world);
    // Held open, it is looked at by walkReceivers().
    expect(world.described.unanswered).toEqual(["streamCommands"]);
  });

  test.each(TARGETS)(
    "is printed by posthorn openapi of $name as the server has it",
    async (target) => {
      await using workspace = await Workspace.make();
      await using server = await startPosthorn(target, { workspace });
      const printed = await runCliOk(target, ["openapi"], { workspace });
      const answer = await fetch(`${server.url}/openapi.json`);
      expect(await answer.json()).toEqual(JSON.parse(printed));
      expect(JSON.parse(printed)).toMatchObject({ openapi: "3.1.0", info: { title: "Posthorn" } });
    },
  );
});
