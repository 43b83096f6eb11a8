import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { runCli } from "../support/cli.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { freePort } from "../support/nginx.ts";
import { Pebble, type PebbleOptions } from "../support/pebble.ts";
import { type ConfigSections, type Posthorn, startPosthorn } from "../support/posthorn.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS, type Target } from "../support/targets.ts";
import { askTls, namesShown } from "../support/tls-client.ts";
import { signToken } from "../support/tokens.ts";
import { Workspace } from "../support/workspace.ts";

const NAMES = ["push.example.com", "www.example.com"];
const MEANTIME = ["no-certificate-yet.posthorn.invalid"];
/** It is renewed at two thirds of it. */
const SHORT_LIFE_S = 12;

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

interface Site extends AsyncDisposable {
  readonly pebble: Pebble;
  readonly workspace: Workspace;
  readonly httpPort: number;
  start(acme?: ConfigSections[string]): Promise<Posthorn>;
}

/** An authority, and a server that is to get its certificate there. */
async function site(target: Target, options: Partial<PebbleOptions> = {}): Promise<Site> {
  await using scope = new AsyncDisposableStack();
  const httpPort = await freePort();
  const pebble = scope.use(await Pebble.start({ challengePort: httpPort, ...options }));
  const workspace = scope.use(await Workspace.make());
  const { directory, directoryCa } = pebble;
  const owned = scope.move();
  return {
    ...{ pebble, workspace, httpPort },
    start: (acme = {}) =>
      startPosthorn(target, {
        workspace,
        config: {
          server: { host: "127.0.0.1", http_port: httpPort },
          acme: {
            ...{ domains: NAMES, accept_terms: true, directory, directory_ca: directoryCa },
            ...acme,
          },
        },
      }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

describe.each(TARGETS)("a certificate from an authority on $name", (target) => {
  test("is ordered at the first start, served once it is there, and kept for the next", async () => {
    await using it = await site(target, { nonceRejectPercent: 30 });
    await it.pebble.names.lose("www.example.com");
    await using server = await it.start();
    const failed = await server.waitForLog("acme.failed");
    expect(failed).toMatchObject({
      level: "error",
      detail: expect.stringContaining("Cannot show that www.example.com leads here"),
      remedy: expect.stringContaining("A and AAAA records"),
      expires: "there is none yet",
    });
    // It serves whoever may come in plain text, and TLS to nobody who looks whom it speaks to.
    expect(await namesShown({ port: server.port, name: "push.example.com" })).toEqual(MEANTIME);
    expect(server.logged("tls.loaded")).toEqual([]);
    const health = await fetch(`http://127.0.0.1:${it.httpPort}/healthz`);
    expect(await health.json()).toMatchObject({ status: "ok", certificate: "awaited" });

    await it.pebble.names.find("www.example.com");
    process.kill(server.pid, "SIGHUP");
    await server.waitForLog("acme.obtained");
    await server.waitForLog("tls.reloaded");
    const ca = await it.pebble.root();
    const shown = await askTls({ port: server.port, name: "push.example.com", ca });
    expect(shown.names.toSorted()).toEqual(NAMES);
    expect(JSON.parse(shown.body)).not.toHaveProperty("certificate");
    const figures = await (
      await fetch(`https://127.0.0.1:${server.port}/metrics`, {
        tls: { rejectUnauthorized: false },
      })
    ).text();
    expect(figures).toContain('posthorn_certificate_orders_total{outcome="done"} 1');
    expect(figures).toContain('posthorn_certificate_orders_total{outcome="failed"} 1');

    expect(await server.stop()).toBe(0);
    const { orders } = it.pebble;
    await using again = await it.start();
    const next = await askTls({ port: again.port, name: "www.example.com", ca });
    expect(next.names.toSorted()).toEqual(NAMES);
    expect(again.logged("acme.waiting")).toEqual([]);
    expect(it.pebble.orders).toBe(orders);
    // Nobody has made records for these names outside of the test.
    const { stdout } = await runCli(target, ["check", "--json"], { workspace: it.workspace });
    expect(stdout).toContain("kept from localhost:");
  });

  test("is renewed in time while a socket stays open", async () => {
    await using it = await site(target, { validitySeconds: SHORT_LIFE_S });
    await using server = await it.start();
    await server.waitForLog("tls.reloaded");
    const ca = await it.pebble.root();
    const url = `${server.wsUrl}/login?token=${signToken({ sub: "u" })}`;
    using socket = await FrameSocket.open(url, { trustsAll: true, pongs: true });
    await socket.line(({ push }) => push?.connect !== undefined, "hello");
    const from = server.logs.items.length;
    const renewed = await server.waitForLog("acme.obtained", () => true, from);
    await server.waitForLog("tls.reloaded", () => true, from);
    expect(Date.parse(String(renewed["expires"]))).toBeGreaterThan(Date.now());
    if (target.keepsSockets) {
      socket.send("still there?");
      await socket.frames.find((frame) => frame === "reply", { what: "the reply" });
    } else {
      expect((await socket.end()).code).toBe(4002);
    }
    const { names } = await askTls({ port: server.port, name: "push.example.com", ca });
    expect(names.toSorted()).toEqual(NAMES);
    expect(server.logged("acme.failed")).toEqual([]);
  });
});

describe("a certificate from an authority that wants an account on its site", () => {
  const [target] = TARGETS;
  const kid = "kid-1";
  const key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";

  test("is given to whoever has one, and refused in words to whoever has not", async () => {
    if (target === undefined) throw new Error("there is no target");
    await using it = await site(target, { externalAccounts: { [kid]: key } });
    {
      await using without = await it.start();
      const failed = await without.waitForLog("acme.failed");
      expect(failed["remedy"]).toContain("Set acme.eab_kid and acme.eab_key");
    }
    {
      await using wrong = await it.start({ eab_kid: kid, eab_key: key.replace("z", "y") });
      const failed = await wrong.waitForLog("acme.failed");
      expect(failed["remedy"]).toContain("Correct acme.eab_kid and acme.eab_key");
    }
    await using right = await it.start({ eab_kid: kid, eab_key: key });
    await right.waitForLog("acme.obtained");
  });
});
