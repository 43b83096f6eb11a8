import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { CommandError, DeviceEvent, PosthornOptions } from "../../src/sdk/posthorn.d.ts";
import { makeCertificateFiles } from "../support/certificates.ts";
import { App, builtSdk } from "../support/fake-wx/app.ts";
import type { PhoneOptions } from "../support/fake-wx/phone.ts";
import { Fleet } from "../support/fleet.ts";
import { eventually, Inbox } from "../support/inbox.ts";
import { startPosthorn } from "../support/posthorn.ts";
import { startSite } from "../support/site.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const { miniprogram } = await builtSdk();

/** Longer than any pause before a first new attempt. */
const RETRY_MS = 1_500;

/** An app of a user whose device is 42. */
function appAt(
  { server }: { readonly server: { readonly wsUrl: string } },
  options: Partial<PosthornOptions> = {},
  phone: PhoneOptions = {},
): App {
  const getTicket = () => signToken({ sub: "u", devices: ["42"] });
  return new App(miniprogram, { url: server.wsUrl, getTicket, ...options }, phone);
}

/** Listens to device 42; resolves when nothing it posts from now on can be missed. */
async function listen(app: App): Promise<Inbox<DeviceEvent>> {
  const events = new Inbox<DeviceEvent>();
  app.posthorn.device("42").on("event", (event) => events.push(event));
  const [task] = app.phone.tasks;
  await eventually(() => task?.received.some(isSubscribed) || undefined, "the subscription");
  return events;
}

function isSubscribed(text: string): boolean {
  return text.includes('"subscribe":{');
}

function arrival(events: Inbox<DeviceEvent>, data: number): Promise<DeviceEvent> {
  return events.find((event) => event.data === data, { what: `event ${data}` });
}

describe.each(TARGETS)("a mini-program against $name", (target) => {
  test("listens where the platform never tells of an opening", async () => {
    await using site = await startSite(target);
    using app = appAt(site, {}, { losesOpen: true });
    await eventually(() => app.phone.tasks[0]?.state === "open" || undefined, "the open socket");
    app.phone.clock.advance(2_000);
    await app.next("connected");
    const events = await listen(app);
    await site.device.post({ type: "reading", data: 1 });
    expect(await arrival(events, 1)).toMatchObject({ type: "reading", device: "42" });
    expect(app.phone.complaints).toEqual([]);
  });

  test.each([
    ["6 s", 6_000, "close"],
    ["6 s, cut by the platform", 6_000, "keep"],
    ["29 min", 29 * 60_000, "close"],
  ] as const)(
    "comes back after %s in the background without gap or repeat",
    async (_, ms, background) => {
      await using site = await startSite(target);
      using app = appAt(site, { background });
      await app.next("connected");
      const events = await listen(app);
      await site.device.post({ type: "reading", data: 1 });
      await arrival(events, 1);
      app.phone.hide();
      app.phone.clock.advance(ms);
      for (const data of [2, 3]) await site.device.post({ type: "reading", data });
      app.phone.show();
      await arrival(events, 3);
      await site.device.post({ type: "reading", data: 4 });
      await arrival(events, 4);
      expect(events.items.map(({ data }) => data)).toEqual([1, 2, 3, 4]);
    },
  );

  test("is told when the server has kept less than it missed", async () => {
    const config = { channels: { device: { history_size: 2 } } };
    await using site = await startSite(target, { config });
    using app = appAt(site);
    await app.next("connected");
    const events = await listen(app);
    const gaps = new Inbox<"gap">();
    app.posthorn.device("42").on("gap", () => gaps.push("gap"));
    await site.device.post({ type: "reading", data: 1 });
    await arrival(events, 1);
    app.phone.hide();
    app.phone.clock.advance(60_000);
    for (const data of [2, 3, 4, 5]) await site.device.post({ type: "reading", data });
    app.phone.show();
    await gaps.find(() => true, { what: "the gap" });
    await site.device.post({ type: "reading", data: 6 });
    await arrival(events, 6);
    expect(events.items.map(({ data }) => data)).toEqual([1, 6]);
  });

  test("goes on from where it was when the server's process was killed", async () => {
    await using site = await startSite(target);
    const { port } = site.server;
    using app = appAt(site);
    await app.next("connected");
    const events = await listen(app);
    await site.device.post({ type: "reading", data: 1 });
    await arrival(events, 1);
    await site.server.kill();
    await app.next("connecting");
    await using _again = await startPosthorn(target, { workspace: site.workspace, port });
    await site.device.post({ type: "reading", data: 2 });
    const connected = app.next("connected");
    await untilReturned(app);
    await connected;
    await arrival(events, 2);
    expect(events.items.map(({ data }) => data)).toEqual([1, 2]);
  });

  test("stays away from a server that drains for as long as it was asked to", async () => {
    await using site = await startSite(target, { config: { limits: { drain_spread: "60s" } } });
    const { port } = site.server;
    using app = appAt(site);
    await app.next("connected");
    await site.server.stop();
    const { problem } = await app.next("connecting");
    expect(problem).toMatchObject({ cause: "draining", code: 4002 });
    const waitMs = Number(JSON.parse(problem?.text ?? "{}")["retry_after_ms"]);
    await using _again = await startPosthorn(target, { workspace: site.workspace, port });
    app.phone.clock.advance(Math.max(0, waitMs - 1));
    expect(app.phone.connects).toBe(1);
    await untilReturned(app);
    await app.next("connected");
  });

  test("leaves the field to the same user's newer connection", async () => {
    const limits = { clients_per_user: 1, on_user_limit: "replace" };
    await using site = await startSite(target, { config: { limits } });
    using first = appAt(site);
    await first.next("connected");
    using second = appAt(site);
    await second.next("connected");
    expect((await first.next("stopped")).problem).toMatchObject({ cause: "replaced", code: 4500 });
    first.phone.clock.advance(10 * 60_000);
    expect(first.phone.connects).toBe(1);
    expect(second.posthorn.status.state).toBe("connected");
  });

  test("stops at a token of another server, and asks anew for one that has expired", async () => {
    await using site = await startSite(target);
    using stranger = appAt(site, {
      getTicket: () => signToken({ sub: "u" }, "another-secret-0123456789abcdef01234567"),
    });
    expect((await stranger.next("stopped")).problem?.cause).toBe("token_invalid");
    const tokens = [signToken({ sub: "u", exp: 1_000_000_000 }), signToken({ sub: "u" })];
    using late = appAt(site, { getTicket: () => tokens.shift() ?? null });
    await late.statuses.find(({ problem }) => problem?.cause === "token_expired", {
      what: "the expired token",
    });
    late.phone.clock.advance(RETRY_MS);
    await late.next("connected");
  });

  test("comes in by a new ticket each time", async () => {
    await using fleet = await Fleet.start(target);
    await fleet.addDevice("42");
    let asked = 0;
    const getTicket = async () => {
      asked += 1;
      const wanted = { body: { user: "u", devices: ["42"] } };
      return String((await fleet.api("POST", "/v1/tickets", wanted)).body["ticket"]);
    };
    using app = appAt(fleet, { getTicket });
    await app.next("connected");
    await listen(app);
    app.phone.changeNetwork("4g");
    await app.next("connected");
    expect(asked).toBe(2);
    const spent = await getTicket();
    using first = appAt(fleet, { getTicket: () => spent });
    await first.next("connected");
    using second = appAt(fleet, { getTicket: () => spent });
    await second.statuses.find(({ problem }) => problem?.cause === "ticket_refused", {
      what: "the refusal of a ticket that was used before",
    });
  });

  test("without a ticket is told that the server wants one", async () => {
    await using site = await startSite(target);
    using app = new App(miniprogram, { url: site.server.wsUrl });
    expect((await app.next("stopped")).problem).toMatchObject({ cause: "ticket_missing" });
  });

  test("with a ticket from before a restart is told that it is refused", async () => {
    await using fleet = await Fleet.start(target);
    const { body } = await fleet.api("POST", "/v1/tickets", { body: { user: "u" } });
    await fleet.killAndRestart();
    using app = appAt(fleet, { getTicket: () => String(body["ticket"]) });
    const { problem } = await app.statuses.find((it) => it.problem !== undefined, {
      what: "a status with a problem",
    });
    expect(problem).toMatchObject({ cause: "ticket_refused", code: 109, text: "token expired" });
    expect(() => appAt(fleet, { url: String(body["url"]) })).toThrow("Cannot use url");
  });

  test("sends a command, and hears its answer also when it was away meanwhile", async () => {
    await using fleet = await Fleet.start(target);
    const device = await fleet.addDevice("42");
    const commands = { "42": ["open"] };
    const getTicket = () => signToken({ sub: "u", devices: ["42"], commands });
    using app = appAt(fleet, { getTicket });
    await app.next("connected");
    const door = app.posthorn.device("42");
    const online = new Inbox<boolean>();
    door.on("online", (isOnline) => online.push(isOnline));
    const answer = door.command("open", { seconds: 5 }, { timeout: 60_000 });
    const { commands: polled } = await device.poll("wait=10");
    expect(polled).toMatchObject([{ type: "open", data: { seconds: 5 } }]);
    await online.find((isOnline) => isOnline, { what: "that the device is online" });
    app.phone.hide();
    app.phone.clock.advance(20_000);
    await device.settle(polled[0]?.id ?? "", '{"ok":true,"data":{"opened":true}}');
    app.phone.show();
    expect(await answer).toEqual({ opened: true });
    const refused = door.command("erase").catch(({ code }: CommandError) => code);
    expect(await refused).toBe("refused");
  });

  test("comes in over wss by a host of the console's list, with a certificate it trusts", async () => {
    await using workspace = await Workspace.make();
    const { ca, cert, key } = await makeCertificateFiles(target, workspace);
    await using server = await startPosthorn(target, { workspace, config: { tls: { cert, key } } });
    const url = `wss://localhost:${server.port}`;
    const domains = ["wss://localhost"];
    using app = appAt({ server }, { url }, { domains, ca });
    await app.next("connected");
    using stranger = appAt({ server }, { url }, { domains });
    const { problem } = await stranger.statuses.find((it) => it.problem !== undefined, {
      what: "a status with a problem",
    });
    expect(problem?.cause).toBe("tls_failed");
  });

  test("is told of a device that is not its user's, and hears the others", async () => {
    await using site = await startSite(target);
    using app = appAt(site);
    await app.next("connected");
    const causes = new Inbox<string>();
    app.posthorn.device("43").on("problem", ({ cause }) => causes.push(cause));
    await causes.find((cause) => cause === "channel_denied", { what: "the refusal" });
    const events = new Inbox<DeviceEvent>();
    app.posthorn.device("42").on("event", (event) => events.push(event));
    const posted = await site.device.post({ type: "reading", data: 1 });
    expect(posted.status).toBe(200);
    expect(app.posthorn.status.state).toBe("connected");
  });
});

/** Lets pauses pass until the app has dialed again, in steps that leave the network its time. */
async function untilReturned({ phone }: App): Promise<void> {
  const { connects } = phone;
  await eventually(() => {
    if (phone.connects === connects || phone.sockets === 0) phone.clock.advance(200);
    return (
      phone.tasks.some(({ state }, index) => index >= connects && state === "open") || undefined
    );
  }, "a new connection");
}
