import { describe, expect, test } from "bun:test";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { AcmeFiles } from "../../../src/acme/acme-files.ts";
import { Challenges } from "../../../src/acme/challenges.ts";
import { ObtainedCertificate } from "../../../src/acme/obtained-certificate.ts";
import { Renewals } from "../../../src/acme/renewals.ts";
import { FakeAuthority } from "../../support/fake-authority.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { createFakeEntropy } from "../../support/fake-entropy.ts";
import { eventually } from "../../support/inbox.ts";
import { RecordingLog } from "../../support/recording-log.ts";
import { Workspace } from "../../support/workspace.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const NAMES = ["push.example.com", "www.example.com"];

interface WorldOptions {
  readonly workspace?: Workspace;
  readonly clock?: FakeClock;
  readonly names?: readonly string[];
  readonly external?: { readonly kid: string; readonly key: string };
}

/** A server's renewals against an authority without a network. */
async function world(options: WorldOptions = {}) {
  await using scope = new AsyncDisposableStack();
  const workspace = options.workspace ?? scope.use(await Workspace.make());
  const clock = options.clock ?? new FakeClock(Date.UTC(2026, 5, 1));
  const log = new RecordingLog();
  const challenges = new Challenges();
  const authority = new FakeAuthority(clock, (token) => challenges.answerTo(token));
  const directoryUrl = FakeAuthority.directory;
  const files = new AcmeFiles(workspace.file("acme"), directoryUrl);
  const obtained = await ObtainedCertificate.open(files, clock);
  const counts: string[] = [];
  const renewals = scope.use(
    new Renewals({
      ...{ directoryUrl, agent: "test", courier: authority, clock, log, obtained, files },
      ...{ challenges, entropy: createFakeEntropy(0), external: options.external },
      names: options.names ?? NAMES,
      metrics: { count: (_, labels) => counts.push(Object.values(labels).join()) },
    }),
  );
  const owned = scope.move();
  const lines = (event: Parameters<RecordingLog["of"]>[0], count: number) =>
    eventually(
      () => (log.of(event).length >= count ? log.of(event) : undefined),
      `${event} ${count} times`,
    );
  return {
    ...{ workspace, clock, log, authority, challenges, files, obtained, renewals, counts, lines },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function resting({ clock }: { readonly clock: FakeClock }): Promise<void> {
  await eventually(() => (clock.pending > 0 ? true : undefined), "a timer");
}

describe("Renewals", () => {
  test("order a certificate when there is none, and keep it with its key in one file", async () => {
    await using it = await world();
    let changes = 0;
    it.obtained.watch(() => {
      changes += 1;
    });
    expect((await it.obtained.read()).isMeantime).toBe(true);
    it.renewals.start();
    await it.lines("acme.obtained", 1);
    expect(it.log.of("acme.waiting")).toEqual([{ hosts: NAMES }]);
    expect(it.log.of("acme.obtained")).toEqual([
      { hosts: NAMES, issuer: "CN=Fake CA", expires: "2026-08-30T00:00:00.000Z" },
    ]);
    const { cert, key, isMeantime } = await it.obtained.read();
    expect(isMeantime).toBeUndefined();
    expect(changes).toBe(1);
    expect(it.counts).toEqual(["done"]);
    const folder = it.workspace.file("acme/ca.test-dir");
    expect(await readFile(join(folder, "certificate.pem"), "utf8")).toBe(key + cert);
    const names = (await readdir(folder)).toSorted();
    expect(names).toEqual(["account.pem", "certificate.pem", "orders.json"]);
    for (const name of names) {
      expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    }
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    // Nobody needs them any more.
    expect(it.challenges.answerTo("token-of-push-example-com")).toBeUndefined();
  });

  test("find the account and the order where the authority names them by their path only", async () => {
    await using it = await world();
    it.authority.locationRoot = "";
    it.renewals.start();
    await it.lines("acme.obtained", 1);
    expect(it.authority.kids).toEqual(new Set(["https://ca.test/account/1"]));
  });

  test("renew when a third of its life is left, and not before", async () => {
    await using it = await world();
    it.renewals.start();
    await it.lines("acme.obtained", 1);
    await resting(it);
    it.clock.advance(60 * DAY_MS - HOUR_MS);
    await resting(it);
    expect(it.authority.orders).toBe(1);
    it.clock.advance(2 * HOUR_MS);
    await it.lines("acme.obtained", 2);
    expect(it.authority.orders).toBe(2);
    expect(it.obtained.pair?.leaf.notAfter.getTime()).toBeGreaterThan(
      Date.UTC(2026, 5, 1) + 149 * DAY_MS,
    );
  });

  test("begin with what is kept, and ask nobody", async () => {
    await using first = await world();
    first.renewals.start();
    await first.lines("acme.obtained", 1);
    await using second = await world({ workspace: first.workspace, clock: first.clock });
    expect(await second.obtained.read()).toEqual(await first.obtained.read());
    second.renewals.start();
    await resting(second);
    expect(second.authority.requests).toEqual([]);
    expect(second.log.of("acme.waiting")).toEqual([]);
  });

  test("order another when a name is new, and serve the old one until then", async () => {
    await using first = await world({ names: ["push.example.com"] });
    first.renewals.start();
    await first.lines("acme.obtained", 1);
    await using second = await world({ workspace: first.workspace, clock: first.clock });
    expect((await second.obtained.read()).isMeantime).toBeUndefined();
    second.renewals.start();
    await second.lines("acme.obtained", 1);
    expect(second.obtained.pair?.leaf.hosts.map(({ value }) => value)).toEqual(NAMES);
  });

  test("survive nonces that are refused, and an authority that takes its time", async () => {
    await using it = await world();
    it.authority.staleNonces = 15;
    it.authority.slowness = 3;
    it.renewals.start();
    await eventually(() => {
      it.clock.advance(1_000);
      return it.log.of("acme.obtained").length === 1 ? true : undefined;
    }, "a certificate");
    expect(it.log.of("acme.failed")).toEqual([]);
  });

  test("give up on an authority that is never done", async () => {
    await using it = await world();
    it.authority.slowness = 10_000;
    it.renewals.start();
    await eventually(() => {
      it.clock.advance(10_000);
      return it.log.of("acme.failed").length === 1 ? true : undefined;
    }, "the failure");
    expect(it.log.of("acme.failed")[0]?.["detail"]).toContain("the authority takes too long");
  });

  test("say why a name was not believed and what to do, and keep what is in service", async () => {
    await using it = await world();
    it.renewals.start();
    await it.lines("acme.obtained", 1);
    const before = await it.obtained.read();
    await resting(it);
    it.authority.disbelief.set("www.example.com", "10.0.0.1: Timeout during connect");
    it.clock.advance(61 * DAY_MS);
    await it.lines("acme.failed", 1);
    expect(it.log.of("acme.failed")).toEqual([
      {
        detail:
          "Cannot show that www.example.com leads here: connection: 10.0.0.1: Timeout during connect",
        remedy: expect.stringContaining("its port 80 to server.http_port"),
        failures: 1,
        again: new Date(it.clock.nowMs() + 2 * MINUTE_MS).toISOString(),
        expires: "2026-08-30T00:00:00.000Z",
      },
    ]);
    expect(await it.obtained.read()).toEqual(before);
    expect(it.counts).toEqual(["done", "failed"]);
  });

  test("ask an authority that refuses ever less often, at most four times an hour", async () => {
    await using it = await world();
    it.authority.disbelief.set("www.example.com", "no");
    it.renewals.start();
    const attemptsMs: number[] = [];
    const startMs = it.clock.nowMs();
    for (let count = 1; count <= 7; count += 1) {
      const failed = await it.lines("acme.failed", count);
      attemptsMs.push(it.clock.nowMs() - startMs);
      await resting(it);
      it.clock.advance(Date.parse(String(failed.at(-1)?.["again"])) - it.clock.nowMs());
    }
    const minutes = attemptsMs.map((ms) => ms / MINUTE_MS);
    expect(minutes).toEqual([0, 2, 8, 26, 80, 242, 602]);
  });

  test("wait as long as the authority wants", async () => {
    await using it = await world();
    const detail = "too many certificates already issued";
    it.authority.refusal = { status: 429, type: "rateLimited", detail, retryAfter: "86400" };
    it.renewals.start();
    const [failed] = await it.lines("acme.failed", 1);
    expect(failed).toMatchObject({
      detail: `Cannot order a certificate: rateLimited: ${detail}`,
      remedy: expect.stringContaining("staging"),
      again: new Date(it.clock.nowMs() + DAY_MS).toISOString(),
    });
    it.authority.refusal = undefined;
    // Nobody can hurry it.
    await resting(it);
    it.renewals.hurry();
    await it.lines("acme.held", 1);
    await resting(it);
    expect(it.authority.orders).toBe(1);
    for (let hour = 0; hour < 24; hour += 1) {
      await resting(it);
      it.clock.advance(HOUR_MS);
    }
    await it.lines("acme.obtained", 1);
  });

  test("try at once when they are told to hurry, but not more often than the hour allows", async () => {
    await using it = await world();
    it.authority.disbelief.set("www.example.com", "no");
    it.renewals.start();
    for (let count = 1; count <= 4; count += 1) {
      await it.lines("acme.failed", count);
      await resting(it);
      it.renewals.hurry();
    }
    const [held] = await it.lines("acme.held", 1);
    expect(held).toEqual({ until: new Date(it.clock.nowMs() + HOUR_MS).toISOString() });
    expect(it.authority.orders).toBe(4);
    // Also not by starting again and again.
    await using again = await world({ workspace: it.workspace, clock: it.clock });
    again.renewals.start();
    await again.lines("acme.held", 1);
    expect(again.authority.requests).toEqual([]);
  });

  test("say that the authority cannot be reached, and how it might be", async () => {
    await using it = await world();
    it.authority.isDown = true;
    it.renewals.start();
    const [failed] = await it.lines("acme.failed", 1);
    expect(failed).toMatchObject({
      detail:
        "Cannot ask the certificate authority at https://ca.test/dir: ca.test could not be reached (ECONNREFUSED)",
      remedy: expect.stringContaining("acme.directory"),
      expires: "there is none yet",
    });
  });

  test("show the account of the authority's site, and ask for it where it is missing", async () => {
    await using without = await world();
    without.authority.needsExternalAccount = true;
    without.renewals.start();
    const [failed] = await without.lines("acme.failed", 1);
    expect(failed?.["remedy"]).toContain("acme.eab_kid and acme.eab_key");
    const key = Buffer.from("a key of 32 bytes of this account").toString("base64url");
    await using it = await world({ external: { kid: "kid-1", key } });
    it.authority.needsExternalAccount = true;
    it.renewals.start();
    await it.lines("acme.obtained", 1);
    const [account] = it.authority.requests;
    expect(account).toMatchObject({
      path: "/new-account",
      payload: {
        termsOfServiceAgreed: true,
        externalAccountBinding: { protected: expect.any(String), signature: expect.any(String) },
      },
    });
  });

  test("follow the authority's advice to renew earlier, and say what is replaced", async () => {
    await using it = await world();
    const startMs = it.clock.nowMs();
    it.authority.advice = { start: startMs + 5 * DAY_MS, end: startMs + 6 * DAY_MS };
    it.renewals.start();
    await it.lines("acme.obtained", 1);
    for (let quarter = 1; quarter < 4 * 5; quarter += 1) {
      await resting(it);
      it.clock.advance(6 * HOUR_MS);
    }
    await resting(it);
    expect(it.authority.orders).toBe(1);
    it.clock.advance(6 * HOUR_MS);
    await it.lines("acme.obtained", 2);
    const orders = it.authority.requests.filter(({ path }) => path === "/new-order");
    const asked = it.authority.requests.find(({ path }) => path.startsWith("/renewal/"));
    const id = asked?.path.slice("/renewal/".length);
    expect(id).toMatch(/^[\w-]+\.[\w-]+$/);
    expect(orders[1]?.payload).toMatchObject({ replaces: id });
  });

  test.each(["/authz/push.example.com", "/order", "/certificate"])(
    "do nothing any more once they have ended, also with what the authority gives at %s",
    async (last) => {
      await using it = await world();
      const ended = Promise.withResolvers<void>();
      it.authority.onRequest = (path) => {
        if (path !== last) return;
        it.renewals[Symbol.dispose]();
        ended.resolve();
      };
      it.authority.slowness = 1;
      it.renewals.start();
      await eventually(() => {
        it.clock.advance(1_000);
        return Bun.peek.status(ended.promise) === "fulfilled" ? true : undefined;
      }, "the end");
      // Whatever still runs has nothing left to wait for.
      for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
      it.clock.advance(DAY_MS);
      expect(await it.files.certificate()).toBeUndefined();
      expect(it.log.of("acme.obtained")).toEqual([]);
      expect(it.log.of("acme.failed")).toEqual([]);
    },
  );

  test("take what another process has kept since", async () => {
    await using it = await world();
    await using other = await world({ workspace: it.workspace, clock: it.clock });
    other.renewals.start();
    await other.lines("acme.obtained", 1);
    it.renewals.start();
    await eventually(() => it.obtained.pair, "the other's certificate");
    expect(await it.obtained.read()).toEqual(await other.obtained.read());
    expect(it.authority.requests).toEqual([]);
  });

  test.each([["expired", 200 * DAY_MS]])(
    "begin anew with what is kept when it has %s",
    async (_, laterMs) => {
      await using first = await world();
      first.renewals.start();
      await first.lines("acme.obtained", 1);
      const clock = new FakeClock(first.clock.nowMs() + laterMs);
      await using second = await world({ workspace: first.workspace, clock });
      expect((await second.obtained.read()).isMeantime).toBe(true);
      expect(second.obtained.unfit).toContain("expired at");
      second.renewals.start();
      await second.lines("acme.obtained", 1);
    },
  );

  test("begin anew with a file that is damaged", async () => {
    await using first = await world();
    first.renewals.start();
    await first.lines("acme.obtained", 1);
    const text = await first.files.certificate();
    await first.files.keepCertificate(text?.slice(0, 300) ?? "");
    await using second = await world({ workspace: first.workspace, clock: first.clock });
    second.renewals.start();
    await second.lines("acme.obtained", 1);
    expect(second.log.of("acme.waiting")[0]).toHaveProperty("unfit");
  });
});
