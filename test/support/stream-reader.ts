import { applyDelta } from "fossil-delta";
import type { Channel } from "../../src/core/channel.ts";
import type { SocketHandler } from "../../src/core/ports/host.ts";
import type { Position } from "../../src/core/publication.ts";
import type { FakeSocket } from "./fake-socket.ts";
import { connect, type GatewayWorld, send } from "./gateway-world.ts";
import type { StreamTruth } from "./stream-truth.ts";

/** How the readers of one run use the protocol. */
export interface ReaderMode {
  readonly token: string;
  /** Channels that the token subscribes to; they are recovered by the connect command. */
  readonly served: readonly Channel[];
  readonly delta: boolean;
  readonly cache: boolean;
  /** Asks for recovery; without it, gaps are to be expected where something is lost on the way. */
  readonly watches: boolean;
}

interface WirePublication {
  readonly data: unknown;
  readonly offset?: number;
  readonly delta?: boolean;
}

interface WireResult {
  readonly epoch?: string;
  readonly offset?: number;
  readonly recovered?: boolean;
  readonly publications?: readonly WirePublication[];
}

interface WireLine {
  readonly id?: number;
  readonly connect?: { readonly subs?: Readonly<Record<string, WireResult>> };
  readonly subscribe?: WireResult;
  readonly error?: { readonly code: number };
  readonly push?: {
    readonly channel: Channel;
    readonly pub?: WirePublication;
    readonly unsubscribe?: { readonly code: number };
  };
}

interface Asked {
  readonly channel: Channel;
  readonly since: Position | undefined;
  /** What the server has to answer; undefined where that depends on what happens meanwhile. */
  readonly recovers: boolean | undefined;
}

/**
 * Reads channels as an SDK does and complains of every gap, duplicate, disorder, changed payload and
 * untrue `recovered` that it was not told of.
 */
export class StreamReader {
  readonly #world: GatewayWorld;
  readonly #truth: StreamTruth;
  readonly #mode: ReaderMode;
  readonly #positions = new Map<Channel, Position>();
  readonly #subscribed = new Set<Channel>();
  readonly #asked = new Map<number, Asked[]>();
  /** Channels being left, by the command's id: until its reply publications may still come. */
  readonly #leaving = new Map<number, Channel>();
  readonly #previous = new Map<Channel, Uint8Array>();
  #link: { readonly socket: FakeSocket; readonly handler: SocketHandler } | undefined;
  #read = 0;
  #lastId = 0;

  constructor(world: GatewayWorld, truth: StreamTruth, mode: ReaderMode) {
    this.#world = world;
    this.#truth = truth;
    this.#mode = mode;
  }

  /** Connects, where it is not, and recovers what the token subscribes to. */
  async connect(isSlow: boolean): Promise<void> {
    if (this.#link !== undefined) return;
    this.#link = connect(this.#world);
    this.#read = 0;
    const { served, token } = this.#mode;
    const asked = served.map((channel) => this.#ask(channel, isSlow));
    const subs = Object.fromEntries(asked.map(({ channel, since }) => [channel, recoverOf(since)]));
    await this.#send(asked, { connect: { token, subs } });
  }

  async subscribe(channel: Channel, isSlow: boolean): Promise<void> {
    if (this.#mode.served.includes(channel) || this.#isWaitingFor(channel)) return;
    await this.connect(isSlow);
    if (this.#subscribed.has(channel)) return;
    const asked = this.#ask(channel, isSlow);
    const wishes = {
      ...(this.#mode.delta && { delta: "fossil" }),
      ...(this.#mode.watches && { recoverable: true }),
    };
    await this.#send([asked], { subscribe: { channel, ...wishes, ...recoverOf(asked.since) } });
  }

  async unsubscribe(channel: Channel): Promise<void> {
    if (this.#mode.served.includes(channel)) return;
    if (!this.#subscribed.delete(channel)) return;
    this.#leaving.set(this.#lastId + 1, channel);
    await this.#send([], { unsubscribe: { channel } });
  }

  /** The connection breaks; what is on its way is lost. */
  drop(): void {
    this.read();
    this.#link?.handler.close(1006, "");
    this.#forgetConnection();
  }

  /** Takes everything that has arrived. */
  read(): void {
    const { socket, handler } = this.#link ?? {};
    if (socket === undefined) return;
    for (const frame of socket.frames.slice(this.#read)) {
      for (const line of frame.split("\n")) this.#take(JSON.parse(line));
    }
    this.#read = socket.frames.length;
    if (socket.closed === undefined) return;
    const { code } = socket.closed;
    assert(code === 3010 && this.#truth.isDisturbed, `closed with ${code}`);
    handler?.close(3010, "");
    this.#forgetConnection();
  }

  /** Complains unless it is subscribed, and has everything if it watches. */
  checkComplete(channel: Channel): void {
    assert(this.#subscribed.has(channel), `not subscribed to ${channel}`);
    if (!this.#mode.watches) return;
    const { epoch, offset } = this.#positions.get(channel) ?? {};
    const top = this.#truth.top(channel);
    const found = `${channel} is at ${epoch}:${offset}, the stream at ${top.epoch}:${top.offset}`;
    assert(epoch === top.epoch && offset === top.offset, found);
  }

  #isWaitingFor(channel: Channel): boolean {
    return [...this.#asked.values()].flat().some((asked) => asked.channel === channel);
  }

  #ask(channel: Channel, isSlow: boolean): Asked {
    const since = this.#mode.watches ? this.#positions.get(channel) : undefined;
    if (isSlow || since === undefined) return { channel, since, recovers: undefined };
    const isAtTop = samePosition(since, this.#truth.top(channel));
    const recovers = this.#mode.cache
      ? isAtTop || this.#truth.keepsNewest(channel)
      : this.#truth.keepsAllAfter(channel, since);
    return { channel, since, recovers };
  }

  async #send(asked: readonly Asked[], command: object): Promise<void> {
    if (this.#link === undefined) return;
    this.#lastId += 1;
    if (asked.length > 0) this.#asked.set(this.#lastId, [...asked]);
    await send(this.#link.handler, { id: this.#lastId, ...command });
    this.read();
  }

  #forgetConnection(): void {
    this.#link = undefined;
    this.#subscribed.clear();
    this.#asked.clear();
    this.#leaving.clear();
  }

  #take(line: WireLine): void {
    assert(line.error === undefined, `error ${line.error?.code}`);
    if (line.id !== undefined) this.#takeReply(line.id, line);
    const { channel, pub, unsubscribe } = line.push ?? {};
    if (channel === undefined) return;
    if (pub !== undefined) this.#takeLive(channel, pub);
    if (unsubscribe === undefined) return;
    const { code } = unsubscribe;
    assert(code === 2500 && this.#truth.isDisturbed, `unsubscribed with ${code}`);
    this.#subscribed.delete(channel);
  }

  #takeReply(id: number, line: WireLine): void {
    for (const asked of this.#asked.get(id) ?? []) {
      const result = line.subscribe ?? line.connect?.subs?.[asked.channel];
      assert(result !== undefined, `no answer for ${asked.channel}`);
      this.#takeResult(asked, result);
    }
    this.#asked.delete(id);
    this.#leaving.delete(id);
  }

  #takeResult({ channel, since, recovers }: Asked, result: WireResult): void {
    const { epoch = "", offset = 0, recovered = false, publications = [] } = result;
    this.#subscribed.add(channel);
    assert(recovers === undefined || recovered === recovers, `recovered is ${recovered}`);
    if (!recovered || since === undefined) {
      assert(!recovered && publications.length === 0, "recovered without having been asked");
      if (this.#mode.watches) this.#positions.set(channel, { epoch, offset });
      else this.#positions.delete(channel);
    } else if (this.#mode.cache) {
      this.#takeNewest(channel, { epoch, offset }, publications);
    } else {
      assert(samePosition(since, { epoch, offset }), `recovered from ${epoch}:${offset}`);
      for (const publication of publications) this.#takeNext(channel, publication);
    }
  }

  #takeNewest(channel: Channel, at: Position, publications: readonly WirePublication[]): void {
    const [newest] = publications;
    if (newest === undefined) {
      const known = this.#positions.get(channel);
      assert(known !== undefined && samePosition(known, at), "the newest one is missing");
      return;
    }
    assert(publications.length === 1 && newest.offset === at.offset, "more than the newest one");
    this.#checkData(channel, at, newest);
    this.#positions.set(channel, at);
  }

  #takeLive(channel: Channel, publication: WirePublication): void {
    if ([...this.#leaving.values()].includes(channel)) return;
    assert(this.#subscribed.has(channel), `a publication before the reply in ${channel}`);
    if (publication.offset === undefined) this.#decode(channel, publication);
    else if (this.#mode.watches) this.#takeNext(channel, publication);
    else this.#takeAny(channel, publication.offset, publication);
  }

  /** Without a watched position the epoch is not told, so that it is the stream's present one. */
  #takeAny(channel: Channel, offset: number, publication: WirePublication): void {
    const { epoch } = this.#truth.top(channel);
    const last = this.#positions.get(channel);
    if (last?.epoch === epoch) {
      const isNext = this.#truth.isDisturbed ? offset > last.offset : offset === last.offset + 1;
      assert(isNext, `got ${offset} after ${last.offset}`);
    }
    this.#checkData(channel, { epoch, offset }, publication);
    this.#positions.set(channel, { epoch, offset });
  }

  #takeNext(channel: Channel, publication: WirePublication): void {
    const { epoch = "", offset = 0 } = this.#positions.get(channel) ?? {};
    const next = { epoch, offset: offset + 1 };
    assert(publication.offset === next.offset, `got ${publication.offset} after ${offset}`);
    this.#checkData(channel, next, publication);
    this.#positions.set(channel, next);
  }

  #checkData(channel: Channel, at: Position, publication: WirePublication): void {
    const found = this.#decode(channel, publication);
    const published = this.#truth.dataAt(channel, at);
    assert(found === published, `${at.epoch}:${at.offset} is ${found}, published was ${published}`);
  }

  /** The JSON text that was published; it was made by JSON.stringify, so that parsing loses nothing. */
  #decode(channel: Channel, { data, delta = false }: WirePublication): string {
    if (!this.#mode.delta) return JSON.stringify(data);
    assert(typeof data === "string", "a subscriber of differences gets text");
    const bytes = new TextEncoder().encode(data);
    const previous = this.#previous.get(channel) ?? new Uint8Array();
    const whole = delta ? Uint8Array.from(applyDelta(previous, bytes)) : bytes;
    this.#previous.set(channel, whole);
    return new TextDecoder().decode(whole);
  }
}

function recoverOf(since: Position | undefined): object {
  return since === undefined ? {} : { recover: true, ...since };
}

function samePosition(one: Position, other: Position): boolean {
  return one.epoch === other.epoch && one.offset === other.offset;
}

function assert(isTrue: boolean, otherwise: string): asserts isTrue {
  if (!isTrue) throw new Error(otherwise);
}
