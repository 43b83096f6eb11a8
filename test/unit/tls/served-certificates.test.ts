import { beforeAll, describe, expect, test } from "bun:test";
import { Fault } from "../../../src/core/faults.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { CertificateSource } from "../../../src/tls/certificate-source.ts";
import { makeCertificates } from "../../../src/tls/make-certificates.ts";
import { type Certificates, ServedCertificates } from "../../../src/tls/served-certificates.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { eventually } from "../../support/inbox.ts";
import { RecordingLog } from "../../support/recording-log.ts";
import { issueUnsupported } from "./unsupported-key.ts";

const START_MS = Date.UTC(2026, 5, 1);
const DAY_MS = 24 * 60 * 60 * 1000;

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** A source that has what the test puts there. */
class FakeSource implements CertificateSource {
  readonly name: string;
  readonly files: { readonly certFile: string; readonly keyFile: string };
  offered: Pair | Error;
  reads = 0;
  isWatched = false;
  #changed: () => void = () => undefined;

  constructor(name: string, offered: Pair | Error) {
    this.name = name;
    this.files = { certFile: `/etc/${name}.crt`, keyFile: `/etc/${name}.key` };
    this.offered = offered;
  }

  async read() {
    this.reads += 1;
    if (this.offered instanceof Error) throw this.offered;
    return { ...this.offered, findings: [] };
  }

  watch(changed: () => void): () => void {
    this.#changed = changed;
    this.isWatched = true;
    return () => {
      this.isWatched = false;
    };
  }

  put(offered: Pair | Error): void {
    this.offered = offered;
    this.#changed();
  }
}

async function certificate(hosts: readonly string[], days = 90, fromDay = 0): Promise<Pair> {
  const made = await makeCertificates({
    hosts,
    now: new Date(START_MS + fromDay * DAY_MS),
    validDays: { leaf: days },
  });
  return { cert: made.cert, key: made.key };
}

let a: Pair;
let renewed: Pair;
let b: Pair;
let late: Pair;

beforeAll(async () => {
  [a, renewed, b, late] = await Promise.all([
    certificate(["a.test"]),
    certificate(["a.test", "new.test"]),
    certificate(["b.test", "*.b.test"]),
    certificate(["a.test", "b.test"], 200),
  ]);
});

async function makeWorld(first: Pair | Error = a, ...others: readonly (Pair | Error)[]) {
  const clock = new FakeClock(START_MS);
  const log = new RecordingLog();
  const sources = [
    new FakeSource("tls", first),
    ...others.map((it, index) => new FakeSource(`certificates.n${index}`, it)),
  ] as const;
  const served = await ServedCertificates.read({ sources, publicHosts: ["a.test"], clock, log });
  const replaced: Certificates[] = [];
  let failsToReplace = false;
  served.follow(async (certificates) => {
    if (failsToReplace) throw new Error("Cannot listen");
    replaced.push(certificates);
  });
  return {
    ...{ clock, log, served, replaced, sources, source: sources[0] },
    failToReplace: (it: boolean) => {
      failsToReplace = it;
    },
  };
}

/** Resolves when it is so: keys and signatures are looked at by threads, which no clock moves. */
function until(isSo: () => boolean, what: string): Promise<true> {
  return eventually(() => isSo() || undefined, what);
}

/** Moves the clock over every pause in which a source may still become whole. */
async function passRetries({ clock, log }: Pick<World, "clock" | "log">): Promise<void> {
  const before = log.of("tls.incomplete").length;
  for (let retry = 1; retry <= LIMITS.certificateRetriesMax; retry += 1) {
    await until(() => log.of("tls.incomplete").length === before + retry, "a look at a source");
    clock.advance(LIMITS.certificateRetryMs);
  }
}

type World = Awaited<ReturnType<typeof makeWorld>>;

describe("ServedCertificates", () => {
  test("serves each certificate for its own names, the first for all others", async () => {
    const { served } = await makeWorld(a, b);
    expect(served.current().map(({ serverNames }) => serverNames)).toEqual([
      ["a.test"],
      ["b.test", "*.b.test"],
    ]);
    expect(served.current()[1]).toMatchObject(b);
  });

  test("gives a name that two certificates have to the one that ends later, and says so", async () => {
    const { served, log } = await makeWorld(a, b, late);
    expect(served.current().map(({ serverNames }) => serverNames)).toEqual([
      [],
      ["*.b.test"],
      ["a.test", "b.test"],
    ]);
    served.admit();
    const shared = log.of("tls.finding").filter(({ code }) => code === "names_shared");
    expect(shared.map(({ found }) => found)).toEqual([
      "The certificates of tls and certificates.n1 are both for a.test: that of certificates.n1 is served",
      "The certificates of certificates.n0 and certificates.n1 are both for b.test: that of certificates.n1 is served",
    ]);
  });

  test("is content when any of them is for a public host", async () => {
    const uncovered = async (...certificates: Parameters<typeof makeWorld>) => {
      const { served } = await makeWorld(...certificates);
      return served.findings().filter(({ code }) => code === "host_uncovered").length;
    };
    expect(await uncovered(b, a)).toBe(0);
    expect(await uncovered(b)).toBe(1);
  });

  test("is not admitted with a first one that no server may start with, and names its file", async () => {
    const { served } = await makeWorld({ cert: b.cert, key: a.key }, b);
    expect(() => served.admit()).toThrow(Fault);
    expect(() => served.admit()).toThrow("tls (/etc/tls.key): tls.key does not belong");
    const unread = new Fault("config_invalid", { detail: "tls.cert: cannot read c.pem" });
    await expect(makeWorld(unread)).rejects.toThrow("tls.cert: cannot read c.pem");
  });

  test("starts with a first one that is past its time, as a running server stays with it, and says so", async () => {
    const { served, log } = await makeWorld(await certificate(["a.test"], 10, -20));
    served.admit();
    expect(served.current()).toHaveLength(1);
    const told = log.lines.filter(({ level }) => level === "error");
    expect(told).toMatchObject([
      {
        event: "tls.finding",
        fields: { code: "certificate_expired", certificate: "tls", file: "/etc/tls.crt" },
      },
    ]);
  });

  test("starts without another one that is of no use, says so, and serves it as soon as it is of use", async () => {
    const missing = new Fault("config_invalid", {
      detail: "certificates.n0.cert: cannot read it",
    });
    for (const offered of [missing, { cert: b.cert, key: a.key }, { cert: "", key: "" }]) {
      const { served, log, sources, replaced, clock } = await makeWorld(a, offered);
      served.admit();
      expect(served.current().map(({ serverNames }) => serverNames)).toEqual([["a.test"]]);
      const errors = log.lines.filter(({ level }) => level === "error");
      expect(errors[0]?.fields).toMatchObject({ certificate: "certificates.n0" });
      expect(log.of("tls.loaded")).toMatchObject([{ certificate: "tls" }]);
      expect(served.states()[1]).toMatchObject({ isServed: false, isNewest: false, hosts: [] });
      clock.advance(LIMITS.certificatePollMs);
      await until(() => served.states()[1]?.reloadsFailed === 1, "a look at it");
      expect(log.of("tls.reload_failed")).toEqual([]);
      sources[1]?.put(b);
      expect(await served.reload()).toBe(true);
      expect(replaced.at(-1)).toHaveLength(2);
      expect(served.states()[1]).toMatchObject({ isServed: true, isNewest: true });
    }
  });

  test("keeps one that is for the public host until it ends, when the next one is not", async () => {
    const world = await makeWorld();
    const { source, clock, log, served } = world;
    source.offered = await certificate(["b.test"], 300);
    const reloaded = served.reload();
    await passRetries(world);
    expect(await reloaded).toBe(false);
    expect(log.of("tls.reload_failed")).toMatchObject([
      {
        detail: expect.stringContaining(
          "tls (/etc/tls.crt): The new certificate is not for a.test",
        ),
        remedy: expect.stringContaining("Put a certificate there that is for a.test"),
      },
    ]);
    expect(served.current()[0]).toMatchObject(a);
    clock.advance(91 * DAY_MS);
    expect(await served.reload()).toBe(true);
    expect(served.covers("b.test")).toBe(true);
  });

  test("lets the public host go to another certificate that is for it", async () => {
    const { source, served } = await makeWorld(a, late);
    source.offered = b;
    expect(await served.reload()).toBe(true);
    expect(served.covers("a.test")).toBe(true);
  });

  test("keeps one until the next one is valid", async () => {
    const world = await makeWorld();
    const { source, clock, log, served } = world;
    const future = await certificate(["a.test"], 90, 10);
    source.offered = future;
    const reloaded = served.reload();
    await passRetries(world);
    expect(await reloaded).toBe(false);
    expect(log.of("tls.reload_failed")[0]?.["detail"]).toContain("is not valid before");
    clock.advance(11 * DAY_MS);
    expect(await served.reload()).toBe(true);
    expect(served.current()[0]).toMatchObject(future);
  });

  test("tells whoever asks at once that it looks again, and when all is well again", async () => {
    const world = await makeWorld();
    const { source, clock, log, served } = world;
    source.offered = { cert: renewed.cert, key: a.key };
    const reloaded = served.reload();
    await until(() => log.of("tls.incomplete").length === 1, "the first look");
    expect(log.lines).toMatchObject([
      {
        level: "warn",
        fields: { certificate: "tls", againAfterMs: LIMITS.certificateRetryMs },
      },
    ]);
    clock.advance(LIMITS.certificateRetryMs);
    for (let look = 2; look <= LIMITS.certificateRetriesMax; look += 1) {
      await until(() => log.of("tls.incomplete").length === look, "the next look");
      clock.advance(LIMITS.certificateRetryMs);
    }
    expect(await reloaded).toBe(false);
    source.offered = a;
    expect(await served.reload()).toBe(true);
    expect(log.of("tls.recovered")).toMatchObject([{ certificate: "tls" }]);
    await served.reload();
    expect(log.of("tls.recovered")).toHaveLength(1);
  });

  test("takes a renewed certificate a moment after its source said so", async () => {
    const { source, clock, replaced, log, served } = await makeWorld();
    source.put(renewed);
    source.put(renewed);
    expect(source.reads).toBe(1);
    clock.advance(LIMITS.certificateSettleMs);
    await until(() => log.of("tls.reloaded").length > 0, "the renewal");
    expect(source.reads).toBe(2);
    expect(replaced).toHaveLength(1);
    expect(replaced[0]?.[0]).toMatchObject(renewed);
    expect(log.of("tls.reloaded")).toMatchObject([{ certificate: "tls" }]);
    expect(served.states()).toMatchObject([{ isNewest: true, reloads: 1, reloadsFailed: 0 }]);
  });

  test("finds a renewed certificate within a minute although nobody said so", async () => {
    const { source, clock, replaced, served } = await makeWorld();
    source.offered = renewed;
    clock.advance(LIMITS.certificatePollMs);
    await until(() => replaced.length > 0, "the renewal");
    expect(await served.reload()).toBe(true);
    expect(replaced).toHaveLength(1);
  });

  test("waits for the other half of a pair before it is alarmed", async () => {
    const world = await makeWorld();
    const { source, clock, replaced, log } = world;
    source.put({ cert: renewed.cert, key: a.key });
    clock.advance(LIMITS.certificateSettleMs);
    await until(() => log.of("tls.incomplete").length === 1, "a look at the half");
    source.offered = renewed;
    clock.advance(LIMITS.certificateRetryMs);
    await until(() => replaced.length > 0, "the renewal");
    expect(log.of("tls.reload_failed")).toEqual([]);
  });

  test("keeps the old one when the new one is of no use, and says so once, and again when it is asked", async () => {
    const world = await makeWorld();
    const { source, clock, replaced, log, served } = world;
    const failures = () => served.states()[0]?.reloadsFailed;
    source.put({ cert: renewed.cert, key: a.key });
    clock.advance(LIMITS.certificateSettleMs);
    await passRetries(world);
    await until(() => failures() === 1, "the first failure");
    clock.advance(LIMITS.certificatePollMs);
    await until(() => failures() === 2, "the second failure");
    const [line, ...others] = log.of("tls.reload_failed");
    expect(line).toMatchObject({ certificate: "tls" });
    expect(line?.["detail"]).toContain("tls.key does not belong");
    expect(others).toEqual([]);
    expect(replaced).toEqual([]);
    expect(served.current()[0]).toMatchObject(a);
    expect(served.states()).toMatchObject([{ isNewest: false, reloads: 0 }]);
    const reloaded = served.reload();
    await passRetries(world);
    expect(await reloaded).toBe(false);
    expect(log.of("tls.reload_failed")).toHaveLength(2);
  });

  test("is well again when what was of no use is gone", async () => {
    const world = await makeWorld();
    const { source, clock, log, served } = world;
    source.put(new Fault("config_invalid", { detail: "tls.key: cannot read k.pem" }));
    clock.advance(LIMITS.certificateSettleMs);
    await passRetries(world);
    await until(() => log.of("tls.reload_failed").length > 0, "the failure");
    expect(log.of("tls.reload_failed")).toMatchObject([{ detail: "tls.key: cannot read k.pem" }]);
    source.offered = a;
    expect(await served.reload()).toBe(true);
    expect(served.states()).toMatchObject([{ isNewest: true, reloads: 0 }]);
  });

  test("takes the good ones although another is of no use", async () => {
    const world = await makeWorld(a, b);
    const { sources, replaced, served } = world;
    const [first, second] = sources;
    first.offered = renewed;
    if (second !== undefined) second.offered = { cert: "", key: "" };
    const reloaded = served.reload();
    await passRetries(world);
    expect(await reloaded).toBe(false);
    expect(replaced[0]?.map(({ cert }) => cert)).toEqual([renewed.cert, b.cert]);
  });

  test("takes the good ones although the runtime would refuse another", async () => {
    const world = await makeWorld(a, b);
    const { sources, log, served, replaced } = world;
    sources[0].offered = renewed;
    sources[1]?.put(await issueUnsupported("b.test", new Date(START_MS)));
    const reloaded = served.reload();
    await passRetries(world);
    expect(await reloaded).toBe(false);
    expect(replaced.at(-1)).toMatchObject([renewed, b]);
    expect(log.of("tls.reload_failed")).toMatchObject([
      { certificate: "certificates.n0", detail: expect.stringContaining("secp224r1") },
    ]);
    expect(served.states()).toMatchObject([
      { isNewest: true, reloads: 1, reloadsFailed: 0 },
      { isNewest: false, reloads: 0, reloadsFailed: 1 },
    ]);
  });

  test("tries again to serve what could not be served, and says until then that it is not", async () => {
    const { source, replaced, served, log, failToReplace } = await makeWorld();
    const before = served.states()[0];
    source.offered = late;
    failToReplace(true);
    for (const reloadsFailed of [1, 2]) {
      await expect(served.reload()).rejects.toThrow("Cannot listen");
      expect(served.states()).toMatchObject([{ ...before, isNewest: false, reloadsFailed }]);
    }
    expect(log.of("tls.reload_failed")).toMatchObject([
      { certificate: "tls", detail: "Cannot listen" },
    ]);
    expect(log.of("tls.reloaded")).toEqual([]);
    failToReplace(false);
    expect(await served.reload()).toBe(true);
    expect(replaced).toHaveLength(1);
    expect(log.of("tls.reloaded")).toMatchObject([{ hosts: ["a.test", "b.test"] }]);
    expect(served.states()).toMatchObject([{ isNewest: true, reloads: 1, reloadsFailed: 2 }]);
  });

  test("shares one look among all who ask while one has not begun", async () => {
    const { source, served } = await makeWorld();
    await Promise.all([served.reload(), served.reload(), served.reload()]);
    expect(source.reads).toBe(2);
  });

  test("tells each day what is about to end, and nothing before", async () => {
    const { clock, log } = await makeWorld();
    clock.advance(68 * DAY_MS);
    clock.advance(2 * DAY_MS);
    const told = () => log.of("tls.finding");
    await until(() => told().length === 2, "what is told of two days");
    expect(new Set(told().map(({ code }) => code))).toEqual(new Set(["certificate_expiring"]));
  });

  test("leaves its sources and its clock alone when it is disposed of", async () => {
    const { source, clock, served } = await makeWorld();
    source.put(renewed);
    served[Symbol.dispose]();
    expect(source.isWatched).toBe(false);
    expect(clock.pending).toBe(0);
  });
});
