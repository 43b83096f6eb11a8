import { describe, expect, test } from "bun:test";
import { RenewableListener } from "../../../src/compose/renewable-listener.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type {
  Farewell,
  Host,
  HostCapabilities,
  Listener,
  ListenOptions,
  ServedCertificate,
} from "../../../src/core/ports/host.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingLog } from "../../support/recording-log.ts";

type Options = ListenOptions<Request, Response>;

/** A listener of which the test says how many sockets are open. */
class FakeListener implements Listener {
  readonly port = 8077;
  readonly options: Options;
  sockets = 0;
  state: "listening" | "stopped" | "aborted" = "listening";
  bounds = 0;
  readonly farewells: Farewell[] = [];
  /** Resolves for whoever waits for its requests. */
  readonly answered = Promise.withResolvers<void>();

  constructor(options: Options) {
    this.options = options;
    this.answered.resolve();
  }

  get certificate(): string {
    return this.options.tls?.certificates[0].cert ?? "none";
  }

  publish() {
    return "sent" as const;
  }

  rebound({ frameMaxBytes }: { frameMaxBytes: number }): void {
    this.bounds = frameMaxBytes;
  }

  async stop(): Promise<void> {
    if (this.state === "listening") this.state = "stopped";
    await this.answered.promise;
  }

  closeIdle(): void {}

  openSockets(): number {
    return this.sockets;
  }

  closeSockets(farewell: () => Farewell): void {
    for (; this.sockets > 0; this.sockets -= 1) this.farewells.push(farewell());
  }

  async abort(): Promise<void> {
    this.state = "aborted";
  }
}

const CAPABILITIES: HostCapabilities = {
  nativeTopics: true,
  nativeBackpressure: true,
  lenientHandshake: true,
  nativePing: true,
  hardTerminate: true,
  stopKeepsSockets: true,
  sharesPort: true,
  fullTls: true,
};

async function world(capabilities: Partial<HostCapabilities> = {}, more: Partial<Options> = {}) {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const opened: FakeListener[] = [];
  const attached = new Set<Listener>();
  let refusals = 0;
  const host: Host<Request, Response> = {
    capabilities: { ...CAPABILITIES, ...capabilities },
    async listen(options) {
      if (refusals > 0) {
        refusals -= 1;
        throw new Error("Cannot listen");
      }
      const listener = new FakeListener(options);
      opened.push(listener);
      return listener;
    },
  };
  const fanout = {
    attach: (it: Listener) => void attached.add(it),
    detach: (it: Listener) => void attached.delete(it),
  };
  let farewells = 0;
  const farewell = () => {
    farewells += 1;
    return { code: 4002, reason: `${farewells}` };
  };
  const listener = await RenewableListener.open(
    { host, fanout, clock, log, farewell },
    {
      hostname: "h",
      port: 0,
      tls: { certificates: [certificate("1")], minVersion: "1.3" },
      frameMaxBytes: 1,
      backpressureMaxBytes: 1,
      bodyMaxBytes: 1,
      fetch: () => new Response(),
      ...more,
    },
  );
  const refuse = (count: number) => {
    refusals = count;
  };
  return { clock, log, opened, attached, listener, refuse };
}

function certificate(cert: string): ServedCertificate {
  return { cert, key: "k", serverNames: [] };
}

/** Lets everything happen that needs no time to pass. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

async function renewed(
  { listener, clock }: Pick<Awaited<ReturnType<typeof world>>, "listener" | "clock">,
  cert: string,
): Promise<void> {
  const done = listener.renew([certificate(cert)]);
  await settled();
  clock.advance(LIMITS.listenerOverlapMs);
  await done;
  await settled();
}

describe("RenewableListener where the port can be shared", () => {
  test("opens the next one beside the old, which goes on for a moment and then stops", async () => {
    const { listener, opened, clock, attached } = await world();
    const done = listener.renew([certificate("2")]);
    await settled();
    const [old, next] = opened;
    expect(next?.options).toMatchObject({
      port: 8077,
      sharePort: true,
      tls: { minVersion: "1.3" },
    });
    expect([next?.certificate, old?.state, attached.size]).toEqual(["2", "listening", 2]);
    clock.advance(LIMITS.listenerOverlapMs);
    await done;
    await settled();
    expect([old?.state, next?.state, attached.size]).toEqual(["stopped", "listening", 1]);
    expect(listener.replaced).toBe(0);
  });

  test("has the old one hear every publication until its last socket is gone", async () => {
    const all = await world();
    const { opened, attached, clock, listener } = all;
    const [old] = opened;
    if (old !== undefined) old.sockets = 1;
    await renewed(all, "2");
    expect([attached.size, listener.replaced]).toEqual([2, 1]);
    if (old !== undefined) old.sockets = 0;
    clock.advance(LIMITS.listenerRecheckMs);
    await settled();
    expect([attached.size, listener.replaced]).toEqual([1, 0]);
  });

  test("keeps the old one while a request runs that may yet become a socket", async () => {
    const { answered, all } = await withRunningRequest();
    expect(all.attached.size).toBe(2);
    answered.resolve();
    await settled();
    expect(all.attached.size).toBe(1);
  });

  test("sends away the sockets of the oldest when too many live on, each with its own farewell", async () => {
    const all = await world();
    const { opened, clock, listener, log } = all;
    for (let renewal = 1; renewal <= LIMITS.listenersReplacedMax; renewal += 1) {
      const newest = opened.at(-1);
      if (newest !== undefined) newest.sockets = 2;
      await renewed(all, `${renewal}`);
    }
    expect(listener.replaced).toBe(LIMITS.listenersReplacedMax);
    const [oldest, second] = opened;
    expect(oldest?.farewells).toEqual([]);
    const newest = opened.at(-1);
    if (newest !== undefined) newest.sockets = 2;
    await renewed(all, "last");
    expect(oldest?.farewells).toEqual([
      { code: 4002, reason: "1" },
      { code: 4002, reason: "2" },
    ]);
    expect(second?.farewells).toEqual([]);
    expect(listener.replaced).toBe(LIMITS.listenersReplacedMax);
    expect(log.of("listener.ended")).toEqual([{ port: 8077, sockets: 2 }]);
    expect(oldest?.state).toBe("stopped");
    clock.advance(LIMITS.closeGraceMs);
    await settled();
    expect(oldest?.state).toBe("aborted");
  });

  test("begins a renewal when the one before it is done", async () => {
    const { listener, opened, clock } = await world();
    const both = Promise.all([
      listener.renew([certificate("2")]),
      listener.renew([certificate("3")]),
    ]);
    await settled();
    expect(opened.map((it) => it.certificate)).toEqual(["1", "2"]);
    clock.advance(LIMITS.listenerOverlapMs);
    await settled();
    expect(opened.map((it) => it.certificate)).toEqual(["1", "2", "3"]);
    clock.advance(LIMITS.listenerOverlapMs);
    await both;
  });

  test("keeps what it has when the next one cannot listen, and can be renewed again", async () => {
    const all = await world();
    all.refuse(1);
    await expect(all.listener.renew([certificate("2")])).rejects.toThrow("Cannot listen");
    expect(all.opened.map(({ state }) => state)).toEqual(["listening"]);
    await renewed(all, "3");
    expect(all.opened.map((it) => it.certificate)).toEqual(["1", "3"]);
  });

  test("tells every listener that lives of other bounds, and the next ones too", async () => {
    const all = await world();
    const { opened, listener } = all;
    const [old] = opened;
    if (old !== undefined) old.sockets = 1;
    await renewed(all, "2");
    listener.rebound({ frameMaxBytes: 7, backpressureMaxBytes: 8 });
    expect(opened.map(({ bounds }) => bounds)).toEqual([7, 7]);
    await renewed(all, "3");
    expect(opened.at(-1)?.options).toMatchObject({ frameMaxBytes: 7, backpressureMaxBytes: 8 });
  });

  test("leaves nothing listening when it is stopped in the midst of a renewal", async () => {
    const { listener, opened, clock } = await world();
    const done = listener.renew([certificate("2")]);
    await listener.stop();
    await settled();
    clock.advance(LIMITS.listenerOverlapMs);
    await done;
    await settled();
    expect(opened.map(({ state }) => state)).not.toContain("listening");
  });
});

describe("hold()", () => {
  test("waits for the renewal under way, and has the next one wait until it is released", async () => {
    const { listener, opened, clock } = await world();
    const renewed = listener.renew([certificate("2")]);
    await settled();
    let release: (() => void) | undefined;
    const held = listener.hold().then((it) => {
      release = it;
    });
    const next = listener.renew([certificate("3")]);
    await settled();
    expect(release).toBeUndefined();
    clock.advance(LIMITS.listenerOverlapMs);
    await Promise.all([renewed, held]);
    clock.advance(60_000);
    await settled();
    expect(opened.map(({ state }) => state)).toEqual(["stopped", "listening"]);
    release?.();
    await settled();
    expect(opened.map((it) => it.certificate)).toEqual(["1", "2", "3"]);
    clock.advance(LIMITS.listenerOverlapMs);
    await next;
  });

  test("has a pause wait too, so that nobody who takes the port is alone by chance", async () => {
    const { listener, opened } = await world();
    const release = await listener.hold();
    listener.pause();
    await settled();
    expect(opened.map(({ state }) => state)).toEqual(["listening"]);
    release();
    await settled();
    expect(opened.map(({ state }) => state)).toEqual(["stopped"]);
  });
});

describe("RenewableListener where the port cannot be shared", () => {
  test("lets go of the address first, and leaves open sockets alone where they can stay", async () => {
    const { listener, opened, attached } = await world({ sharesPort: false });
    const [old] = opened;
    if (old !== undefined) old.sockets = 1;
    await listener.renew([certificate("2")]);
    expect(opened.map(({ state }) => state)).toEqual(["stopped", "listening"]);
    expect([old?.farewells, attached.size]).toEqual([[], 2]);
  });

  test("tells everyone when to come again where sockets end with their listener", async () => {
    const none = { sharesPort: false, stopKeepsSockets: false };
    const { listener, opened, attached, log } = await world(none);
    const [old] = opened;
    if (old !== undefined) old.sockets = 1;
    await listener.renew([certificate("2")]);
    expect(old?.farewells).toEqual([{ code: 4002, reason: "1" }]);
    expect(attached.size).toBe(1);
    expect(log.of("listener.ended")).toEqual([{ port: 8077, sockets: 1 }]);
  });

  test("serves with what it had when the next one cannot listen for long, as soon as it can", async () => {
    const { listener, opened, clock, refuse } = await world({ sharesPort: false });
    refuse(7);
    const done = listener.renew([certificate("2")]).catch(String);
    for (let retry = 0; retry < 4; retry += 1) {
      await settled();
      clock.advance(1_000);
    }
    expect([await done, listener.isDeaf]).toEqual(["Error: Cannot listen", true]);
    for (let retry = 0; retry < 3; retry += 1) {
      clock.advance(30_000);
      await settled();
    }
    expect([opened.map((it) => it.certificate), listener.isDeaf]).toEqual([["1", "1"], false]);
  });

  test("tries for a while to have the address back", async () => {
    const { listener, opened, clock, refuse } = await world({ sharesPort: false });
    refuse(2);
    const done = listener.renew([certificate("2")]);
    for (let retry = 0; retry < 2; retry += 1) {
      await settled();
      clock.advance(1_000);
    }
    await done;
    expect(opened.map((it) => it.certificate)).toEqual(["1", "2"]);
  });
});

async function withRunningRequest() {
  const all = await world();
  const [old] = all.opened;
  const answered = Promise.withResolvers<void>();
  if (old !== undefined) Object.assign(old, { answered });
  await renewed(all, "2");
  return { answered, all };
}

describe("a listener that is paused", () => {
  test("accepts nobody and keeps its sockets, and another takes its place when it resumes", async () => {
    const it = await world();
    const [first] = it.opened;
    if (first !== undefined) first.sockets = 1;
    it.listener.pause();
    await settled();
    expect([first?.state, it.attached.size, it.listener.replaced]).toEqual(["stopped", 1, 1]);
    it.listener.resume();
    await settled();
    expect(it.opened.map(({ state }) => state)).toEqual(["stopped", "listening"]);
    expect(it.attached.size).toBe(2);
  });

  test("begins again with the certificates that came meanwhile", async () => {
    const it = await world();
    it.listener.pause();
    await it.listener.renew([certificate("2")]);
    expect(it.opened).toHaveLength(1);
    it.listener.resume();
    await settled();
    expect(it.opened.at(-1)?.options.tls?.certificates[0].cert).toBe("2");
  });

  test("tries to resume without end, less and less often, and tells of it meanwhile", async () => {
    const { listener, opened, clock, log, refuse } = await world();
    listener.pause();
    refuse(20);
    listener.resume();
    await settled();
    expect(listener.isDeaf).toBe(true);
    for (let second = 0; second < 30 * 20; second += 1) {
      clock.advance(1_000);
      await settled();
    }
    expect(opened.map(({ state }) => state)).toEqual(["stopped", "listening"]);
    expect(listener.isDeaf).toBe(false);
    const waits = log.of("listener.deaf").map(({ retryMs }) => retryMs);
    expect(waits.slice(0, 7)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect([waits.length, log.of("listener.recovered")]).toEqual([20, [{ port: 8077 }]]);
  });

  test("takes certificates that come while it cannot resume, and is paused again when it is to be", async () => {
    const { listener, opened, clock, refuse } = await world();
    listener.pause();
    refuse(1);
    listener.resume();
    await settled();
    await listener.renew([certificate("2")]);
    listener.pause();
    await settled();
    clock.advance(60_000);
    await settled();
    expect([opened.length, listener.isDeaf, clock.pending]).toEqual([1, false, 0]);
    listener.resume();
    await settled();
    expect(opened.map((it) => it.certificate)).toEqual(["1", "2"]);
  });

  test("shares its port with nobody it has taken it from when it resumes", async () => {
    const { listener, opened } = await world({}, { takesOverPort: true });
    expect(opened[0]?.options.takesOverPort).toBe(true);
    listener.pause();
    listener.resume();
    await settled();
    expect(opened[1]?.options.takesOverPort).toBe(false);
  });

  test("resumes no more once it is stopped, and pauses not at all where sockets would end", async () => {
    const it = await world();
    it.listener.pause();
    await settled();
    await Promise.race([it.listener.stop(), settled()]);
    it.listener.resume();
    await settled();
    expect(it.opened).toHaveLength(1);
    const other = await world({ stopKeepsSockets: false });
    other.listener.pause();
    await settled();
    expect(other.opened[0]?.state).toBe("listening");
  });
});
