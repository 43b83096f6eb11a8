import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { makeCertificateFiles } from "../support/certificates.ts";
import { addDevice, runCli } from "../support/cli.ts";
import { FrameSocket, trustingWebSocket } from "../support/frame-socket.ts";
import { eventually } from "../support/inbox.ts";
import { configure, type Posthorn, startPosthorn } from "../support/posthorn.ts";
import { RawConnection, rawRequest } from "../support/raw-http.ts";
import { RenewedFiles } from "../support/renewals.ts";
import { SdkClient } from "../support/sdk-client.ts";
import { startSite } from "../support/site.ts";
import { StrictPoster } from "../support/strict-poster.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS, type Target } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(2 * BLACK_BOX_TIMEOUT_MS);

const KEY = "upgrade-key-0123456789abcdef";
const UPGRADES = 3;
const CLIENTS = 30;
const CONFIG = {
  api: { keys: [KEY] },
  limits: { drain_spread: "500ms" },
  channels: { device: { history_size: 100_000 } },
};
/** Only where a port can be shared with the process that gives it away. */
const SHARING = TARGETS.filter(({ name }) => name !== "deno");

describe.each(SHARING)("an upgrade by takeover on $name", (target) => {
  test("three in a row under load fail no post, lose and double nothing, and bring every client back", async () => {
    await using workspace = await Workspace.make();
    const tls = await makeCertificateFiles(target, workspace);
    const config = { ...CONFIG, tls: { cert: tls.cert, key: tls.key } };
    await using scope = new AsyncDisposableStack();
    const first = await startPosthorn(target, { workspace, config });
    scope.use(first);
    const { port, wsUrl, url } = first;
    const load = await startLoad({ target, workspace, port, ca: tls.ca });
    const clients = await listen({ url, wsUrl, ca: tls.ca, devices: load.ids });
    scope.defer(() => {
      for (const { client } of clients) client[Symbol.dispose]();
    });
    const polls = await pollOnAndOn({ target, workspace, url, ca: tls.ca });

    const servers: Posthorn[] = [first];
    for (let round = 0; round < UPGRADES; round += 1) {
      await load.more(100);
      await polls.command();
      const next = await startPosthorn(target, { workspace, port, args: ["--takeover"] });
      scope.use(next);
      servers.push(next);
      await polls.command();
      await load.more(100);
    }
    const posters = await load.stop();
    await polls.stop();
    expect(posters.flatMap(({ failures }) => failures)).toEqual([]);
    expect(polls.failures).toEqual([]);
    expect([...polls.got].sort()).toEqual([...polls.sent].sort());

    // Every client has each publication of its channel once, in order.
    for (const { subscription, device } of clients) {
      const wanted = posters.filter((it) => it.device === device).flatMap((it) => it.acknowledged);
      const told = () => {
        const heard = subscription.heard.publication.items.map(({ data }) => data);
        return heard.filter(({ type }) => type === "t").map(({ id }) => String(id));
      };
      await eventually(() => told().length >= wanted.length || undefined, `all of ${device}`);
      expect(told().length).toBe(wanted.length);
      expect(new Set(told())).toEqual(new Set(wanted));
      const recovered = subscription.heard.subscribed.items.slice(1);
      expect(recovered.length).toBeGreaterThanOrEqual(UPGRADES);
      expect(recovered.filter((it) => it.recovered !== true)).toEqual([]);
    }
    const closes = clients.flatMap(({ client }) => client.heard.connecting.items.slice(1));
    expect(new Set(closes.map(({ code }) => code))).toEqual(new Set([4002]));

    // Whoever gave everything away ended well; the last one would linger for those who kept their connection.
    const [last, lingering, ...gone] = servers.toReversed();
    for (const server of gone) expect(await server.exited()).toBe(0);
    lingering?.terminate();
    expect(await lingering?.exited()).toBe(0);
    expect(await last?.stop()).toBe(0);
  });

  test("begun while a certificate is renewed lets every websocket in", async () => {
    await using workspace = await Workspace.make();
    const files = new RenewedFiles(workspace);
    await files.renew();
    const config = { ...CONFIG, tls: { cert: files.cert, key: files.key } };
    await using first = await startPosthorn(target, { workspace, config });
    const { port, wsUrl } = first;
    const asked = first.waitForLog("takeover.asked").then(() => files.renew());
    await using next = await startPosthorn(target, { workspace, port, args: ["--takeover"] });
    await asked;
    const token = signToken({ sub: "u" });
    const url = `${wsUrl}/login?token=${token}`;
    for (const rounds = performance.now() + 3_000; performance.now() < rounds; ) {
      using socket = await FrameSocket.open(url, { trustsAll: true, pongs: true });
      await socket.line(({ push }) => push?.connect !== undefined, "hello");
    }
    first.terminate();
    expect(await first.exited()).toBe(0);
    expect(await next.stop()).toBe(0);
  });

  test("a body that takes longer than the upgrade is refused for now, and nobody is alarmed", async () => {
    await using site = await startSite(target, { config: CONFIG });
    const { workspace, server, device } = site;
    using slow = await RawConnection.open(server.port);
    const body = JSON.stringify({ id: "slow", type: "t", data: 1 });
    const head = ["POST /v1/devices/42/events HTTP/1.1", "Host: localhost", "Connection: close"];
    const secret = `Authorization: Bearer ${device.secret}`;
    const length = `Content-Length: ${body.length}`;
    slow.write(rawRequest([...head, secret, length], body.slice(0, 5)));
    await using next = await startPosthorn(target, {
      workspace,
      port: server.port,
      args: ["--takeover"],
    });
    slow.write(body.slice(5));
    const refused = await slow.answer();
    expect([refused.status, JSON.parse(refused.body).code]).toEqual([503, "draining"]);
    expect((await device.post({ id: "slow", type: "t", data: 1 })).status).toBe(200);
    server.terminate();
    expect(await server.exited()).toBe(0);
    expect(server.logged("http.unavailable")).toEqual([]);
    expect(await next.stop()).toBe(0);
  });

  test("what comes late on a connection that was kept is answered by the new server", async () => {
    await using site = await startSite(target, { config: CONFIG });
    const { port } = site.server;
    using idle = new StrictPoster({ port, device: site.device, keepsAlive: true });
    await idle.post("before");
    const { workspace } = site;
    await using next = await startPosthorn(target, { workspace, port, args: ["--takeover"] });
    await idle.post("after");
    await idle.post("later");
    // The old server says that its connection ends; the next one leads to the new server.
    expect([idle.failures, idle.connections]).toEqual([[], 2]);
    expect((await site.device.post({ id: "after", type: "t", data: "after" })).results).toEqual([
      { id: "after", duplicate: true, offset: 3 },
    ]);
    site.server.terminate();
    expect(await site.server.exited()).toBe(0);
    expect(await next.stop()).toBe(0);
  });

  test("SIGUSR2 starts the executable anew in the place of the one that runs", async () => {
    await using site = await startSite(target, { config: CONFIG });
    const { workspace, server } = site;
    const before = await statusOf(target, workspace);
    expect(before).toMatchObject({
      pid: server.pid,
      ready: true,
      urls: [server.url, expect.any(String)],
    });
    process.kill(server.pid, "SIGUSR2");
    const other = await eventually(async () => {
      const status = await statusOf(target, workspace);
      return status.pid === server.pid || status.ready !== true ? undefined : status;
    }, "another server in its place");
    expect((await site.device.post({ type: "t", data: 1 })).status).toBe(200);
    process.kill(other.pid, "SIGTERM");
    // Both wrote to the same pipe, which ends with the second one.
    expect(await server.exited()).toBe(0);
    await server.waitForLog("takeover.done");
  });

  test("a new one that dies with everything leaves nothing in the way of a restart", async () => {
    await using site = await startSite(target, { config: CONFIG });
    const { workspace, device } = site;
    const { port } = site.server;
    expect((await device.post({ id: "kept", type: "t", data: 1 })).status).toBe(200);
    await using next = await startPosthorn(target, { workspace, port, args: ["--takeover"] });
    await next.kill();
    expect(await site.server.exited()).toBe(0);
    await using again = await startPosthorn(target, { workspace, port });
    expect((await device.post({ id: "kept", type: "t", data: 1 })).results).toMatchObject([
      { id: "kept", duplicate: true },
    ]);
    expect(await again.stop()).toBe(0);
  });

  test("a new one that cannot start leaves the old one as it was", async () => {
    await using site = await startSite(target, { config: CONFIG });
    const { workspace, server, device } = site;
    using poster = new StrictPoster({ port: server.port, device, keepsAlive: true });
    await configure(workspace, { ...CONFIG, nonsense: { key: 1 } });
    const args = ["serve", "--port", String(server.port), "--takeover"];
    expect((await runCli(target, args, { workspace })).code).toBe(2);
    // Its other port is somebody else's: it finds out when the old one has sent its clients away already.
    using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    await configure(workspace, CONFIG);
    const other = await runCli(target, ["serve", "--port", String(taken.port), "--takeover"], {
      workspace,
    });
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining("Cannot listen")]);
    await server.waitForLog("takeover.abandoned");
    for (const id of ["a", "b", "c"]) await poster.post(id);
    expect(poster.failures).toEqual([]);
    expect(await server.stop()).toBe(0);
  });
});

describe("an upgrade by takeover on deno", () => {
  test("is refused in words, and the old server serves on", async () => {
    const [deno] = TARGETS.filter(({ name }) => name === "deno");
    if (deno === undefined) throw new Error("Cannot test Deno: there is no such target");
    await using site = await startSite(deno, { config: CONFIG });
    const args = ["serve", "--port", String(site.server.port), "--takeover"];
    const { code, stderr } = await runCli(deno, args, { workspace: site.workspace });
    expect([code, stderr]).toEqual([
      1,
      "Cannot take over: this runtime cannot share its port; restart it instead\n",
    ]);
    expect((await site.device.post({ type: "t", data: 1 })).status).toBe(200);
    expect(await site.server.stop()).toBe(0);
  });
});

interface Place {
  readonly target: Target;
  readonly workspace: Workspace;
  readonly ca: string;
}

/** Terminals that post without a pause, half of them on connections that they keep. */
async function startLoad({ target, workspace, port, ca }: Place & { readonly port: number }) {
  const ids = ["a", "b", "c"];
  const posters = ids.flatMap((id) => [true, false].map((keepsAlive) => ({ id, keepsAlive })));
  const credentials = new Map<string, Awaited<ReturnType<typeof addDevice>>>();
  for (const id of ids) credentials.set(id, await addDevice(target, workspace, id));
  let isStopped = false;
  const running = posters.map(({ id, keepsAlive }) => {
    const device = credentials.get(id) ?? { id, secret: "" };
    const poster = new StrictPoster({ port, ca, device, keepsAlive });
    const done = (async () => {
      for (let count = 0; !isStopped; count += 1) await poster.post(`${id}-${keepsAlive}-${count}`);
      poster[Symbol.dispose]();
    })();
    return { poster, done, id };
  });
  const total = () => running.reduce((sum, { poster }) => sum + poster.acknowledged.length, 0);
  return {
    ids,
    async more(count: number): Promise<void> {
      const wanted = total() + count;
      const failed = () => running.some(({ poster }) => poster.failures.length > 20);
      await eventually(() => total() >= wanted || failed() || undefined, `${count} more posts`);
    },
    async stop() {
      isStopped = true;
      await Promise.all(running.map(({ done }) => done));
      return running.map(({ poster, id }) => ({
        device: id,
        failures: poster.failures,
        acknowledged: poster.acknowledged,
      }));
    },
  };
}

interface Listening {
  readonly url: string;
  readonly wsUrl: string;
  readonly ca: string;
  readonly devices: readonly string[];
}

/** SDK clients, each of which listens to one device from its first event on. */
async function listen({ url, wsUrl, ca, devices }: Listening) {
  return await Promise.all(
    Array.from({ length: CLIENTS }, async (_, index) => {
      const device = devices[index % devices.length] ?? "";
      const token = signToken({ sub: `u${index}`, devices: [...devices] });
      const client = new SdkClient({ url, wsUrl }, { token, websocket: trustingWebSocket(ca) });
      await client.connected();
      const since = { epoch: "", offset: 0 };
      const subscription = await client.subscribed(`device:${device}`, { since });
      return { client, subscription, device };
    }),
  );
}

interface Fetched {
  readonly commands: readonly { readonly id: string }[];
  readonly cursor: string;
}

/** A terminal that always has a poll open, and a backend that commands it. */
async function pollOnAndOn({ target, workspace, url, ca }: Place & { readonly url: string }) {
  const { id, secret } = await addDevice(target, workspace, "polling");
  const failures: string[] = [];
  const got = new Set<string>();
  const sent = new Set<string>();
  const stopping = new AbortController();
  const poll = async (cursor: string): Promise<string> => {
    const query = cursor === "" ? "" : `&cursor=${cursor}`;
    const answer = await fetch(`${url}/v1/devices/${id}/commands?wait=20${query}`, {
      headers: { authorization: `Bearer ${secret}` },
      signal: stopping.signal,
      tls: { ca },
    });
    if (answer.status === 204) return cursor;
    if (answer.status !== 200) throw new Error(`Cannot poll: ${answer.status}`);
    const fetched = (await answer.json()) as Fetched;
    for (const command of fetched.commands) got.add(command.id);
    return fetched.cursor;
  };
  const running = (async () => {
    for (let cursor = ""; !stopping.signal.aborted; ) cursor = await poll(cursor);
  })().catch((error) => {
    if (!stopping.signal.aborted) failures.push(String(error));
  });
  return {
    failures,
    got,
    sent,
    async command(): Promise<void> {
      const answer = await fetch(`${url}/v1/devices/${id}/commands`, {
        method: "POST",
        headers: { "x-api-key": KEY },
        body: JSON.stringify({ type: "light", data: { on: true } }),
        tls: { ca },
      });
      if (answer.status !== 202) failures.push(`command: ${answer.status}`);
      else sent.add(((await answer.json()) as { readonly id: string }).id);
    },
    async stop(): Promise<void> {
      await eventually(() => got.size >= sent.size || undefined, "every command");
      stopping.abort();
      await running;
    },
  };
}

async function statusOf(target: Target, workspace: Workspace) {
  const { stdout } = await runCli(target, ["status", "--json"], { workspace });
  return (JSON.parse(stdout || "null") ?? {}) as { readonly pid: number; readonly ready: boolean };
}
