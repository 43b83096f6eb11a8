import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Channel, parseChannel } from "../../../src/core/channel.ts";
import { type GatewayWorld, gatewayWorld, settled } from "../../support/gateway-world.ts";
import { type ReaderMode, StreamReader } from "../../support/stream-reader.ts";
import { StreamTruth } from "../../support/stream-truth.ts";

const SIZE_MAX = 4;
const RUNS = 700;
const KEPT = {
  retention: { sizeMax: SIZE_MAX, ttlMs: 60_000 },
  allowSubscribe: true,
  delta: true,
};
const NAMESPACES = {
  stream: KEPT,
  forced: { ...KEPT, forceRecovery: true },
  cache: { ...KEPT, recoveryMode: "cache" as const },
};
const STREAMS = ["stream:1", "stream:2"].map(parseChannel);
const FORCED = ["forced:1", "forced:2"].map(parseChannel);
const CACHES = ["cache:1", "cache:2"].map(parseChannel);
const READERS = 3;
/** Long and shared, so that differences are worth it, and full of characters that they can cut. */
const TEXT = "中文é😀 ünïcödé äöü 한국어 ".repeat(4);

type Action =
  | { readonly do: "publish"; readonly channel: number; readonly at: number; readonly text: string }
  | { readonly do: "whisper" | "trim" | "forget"; readonly channel: number }
  | { readonly do: "subscribe" | "unsubscribe"; readonly reader: number; readonly channel: number }
  | { readonly do: "connect" | "drop"; readonly reader: number }
  | { readonly do: "hold"; readonly read: "before" | "after" }
  | { readonly do: "release" | "loseDeliveries" | "deliver" };

const channel = fc.nat(1);
const reader = fc.nat(READERS - 1);

function oneOf<const Name extends Action["do"]>(...names: readonly Name[]) {
  return fc.constantFrom(...names);
}

const publish = fc.record({
  do: oneOf("publish"),
  channel,
  at: fc.nat(TEXT.length),
  text: fc.string({ unit: "grapheme", maxLength: 4 }),
});
const disturb = fc.record({ do: oneOf("whisper", "trim", "forget"), channel });
const link = fc.record({ do: oneOf("loseDeliveries", "deliver") });
const hold = fc.record({ do: oneOf("hold"), read: fc.constantFrom("before", "after") });

const alone: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: publish },
  { weight: 5, arbitrary: fc.record({ do: oneOf("subscribe"), reader, channel }) },
  { weight: 1, arbitrary: fc.record({ do: oneOf("unsubscribe"), reader, channel }) },
  { weight: 1, arbitrary: fc.record({ do: oneOf("connect", "drop"), reader }) },
  { weight: 1, arbitrary: disturb },
  { weight: 1, arbitrary: hold },
  { weight: 1, arbitrary: fc.record({ do: oneOf("release") }) },
  { weight: 1, arbitrary: link },
);

/** Someone comes back while its history takes a while, and something happens meanwhile. */
const comeBack: fc.Arbitrary<Action[]> = fc
  .record({
    reader,
    channel,
    hold,
    missed: fc.array(publish, { maxLength: 3 }),
    meanwhile: fc.array(fc.oneof({ weight: 4, arbitrary: publish }, disturb, link), {
      maxLength: 4,
    }),
  })
  .map(({ reader, channel, hold, missed, meanwhile }) => [
    { do: "drop", reader },
    ...missed,
    hold,
    { do: "subscribe", reader, channel },
    ...meanwhile,
    { do: "release" },
  ]);

const actions = fc
  .array(fc.oneof({ weight: 3, arbitrary: alone.map((it) => [it]) }, comeBack), { maxLength: 20 })
  .map((episodes) => episodes.flat());

/** One gateway with its readers, driven step by step. */
class Run {
  readonly #world: GatewayWorld;
  readonly #truth = new StreamTruth(SIZE_MAX);
  readonly #channels: readonly Channel[];
  readonly #readers: readonly StreamReader[];
  #release: (() => void) | undefined;
  #epochs = 0;

  constructor(mode: ReaderMode, channels: readonly Channel[]) {
    const claims = { user: "anna", subs: new Map(), devices: [], channels: mode.served };
    this.#world = gatewayWorld({
      namespaces: NAMESPACES,
      tokens: { verify: async () => claims },
      limits: { queueMaxBytes: 1_000_000 },
    });
    this.#channels = channels;
    const readers = Array.from({ length: READERS });
    this.#readers = readers.map((_, index) => {
      // Beside those that watch their position there may be one that does not.
      const watches = mode.watches || index > 0;
      return new StreamReader(this.#world, this.#truth, { ...mode, watches });
    });
  }

  async act(action: Action): Promise<void> {
    switch (action.do) {
      case "subscribe":
        await this.#reader(action.reader).subscribe(this.#channel(action.channel), this.#isSlow);
        break;
      case "unsubscribe":
        await this.#reader(action.reader).unsubscribe(this.#channel(action.channel));
        break;
      case "connect":
        await this.#reader(action.reader).connect(this.#isSlow);
        break;
      case "drop":
        this.#reader(action.reader).drop();
        break;
      default:
        await this.#happen(action);
    }
    await settled();
    for (const it of this.#readers) it.read();
  }

  /** Lets everything calm down; then every reader comes back and must have all there is. */
  async finish(): Promise<void> {
    await this.act({ do: "release" });
    await this.act({ do: "deliver" });
    await this.#publishEverywhere();
    for (const [reader] of this.#readers.entries()) {
      await this.act({ do: "connect", reader });
      for (const [channel] of this.#channels.entries()) {
        await this.act({ do: "subscribe", reader, channel });
      }
    }
    await this.#publishEverywhere();
    for (const it of this.#readers) {
      for (const channel of this.#channels) it.checkComplete(channel);
    }
    expect(this.#world.log.of("ws.bug")).toEqual([]);
  }

  get #isSlow(): boolean {
    return this.#release !== undefined;
  }

  #reader(index: number): StreamReader {
    const found = this.#readers[index];
    if (found === undefined) throw new RangeError(`no reader ${index}`);
    return found;
  }

  #channel(index: number): Channel {
    const found = this.#channels[index];
    if (found === undefined) throw new RangeError(`no channel ${index}`);
    return found;
  }

  async #publishEverywhere(): Promise<void> {
    for (const [channel] of this.#channels.entries()) {
      await this.act({ do: "publish", channel, at: 0, text: "end" });
    }
  }

  async #happen(
    action: Exclude<Action, { do: "subscribe" | "unsubscribe" | "connect" | "drop" }>,
  ): Promise<void> {
    const { streams, link, publish } = this.#world;
    switch (action.do) {
      case "publish": {
        const data = JSON.stringify(TEXT.slice(0, action.at) + action.text + TEXT.slice(action.at));
        const at = this.#channel(action.channel);
        this.#truth.published(at, await publish(at, data), data);
        break;
      }
      case "whisper":
        await streams.append({
          channel: this.#channel(action.channel),
          publication: { data: JSON.stringify(`whispered ${TEXT}`), timeMs: 0 },
        });
        break;
      case "trim":
        await streams.removeHistory(this.#channel(action.channel));
        this.#truth.trimmed(this.#channel(action.channel));
        break;
      case "forget":
        this.#epochs += 1;
        streams.forget(this.#channel(action.channel), `epoch${this.#epochs}`);
        this.#truth.forgotten(this.#channel(action.channel), `epoch${this.#epochs}`);
        break;
      case "hold":
        this.#release ??= streams.holdHistory(action.read);
        break;
      case "release":
        this.#release?.();
        this.#release = undefined;
        break;
      case "loseDeliveries":
        link.isUp = false;
        this.#truth.isDisturbed = true;
        break;
      case "deliver":
        link.isUp = true;
        break;
    }
  }
}

async function check(mode: ReaderMode, channels: readonly Channel[]): Promise<void> {
  const property = fc.asyncProperty(actions, fc.boolean(), async (actions, losesNothing) => {
    const run = new Run(mode, channels);
    for (const it of actions) {
      const loses = it.do === "forget" || it.do === "loseDeliveries";
      if (!(loses && losesNothing)) await run.act(it);
    }
    await run.finish();
  });
  await fc.assert(property, { numRuns: RUNS });
}

const PLAIN: ReaderMode = { token: "any", served: [], delta: false, cache: false, watches: true };

describe("whatever happens, readers have no gap, duplicate, disorder or untrue recovered", () => {
  test("in streams", () => check(PLAIN, STREAMS));
  test("in streams beside one that does not watch its position", () =>
    check({ ...PLAIN, watches: false }, STREAMS));
  test("in streams with differences beside one that does not watch its position", () =>
    check({ ...PLAIN, watches: false, delta: true }, STREAMS));
  test("in streams with differences", () => check({ ...PLAIN, delta: true }, STREAMS));
  test("in streams that the server subscribes them to", () =>
    check({ ...PLAIN, served: FORCED.slice(0, 1) }, FORCED));
  test("in caches", () => check({ ...PLAIN, cache: true }, CACHES));
  test("in caches with differences", () => check({ ...PLAIN, cache: true, delta: true }, CACHES));
});
