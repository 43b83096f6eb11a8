import type { ClientInfo } from "../core/client-info.ts";
import { detach } from "../core/detach.ts";
import { Fault } from "../core/faults.ts";
import type { Identity } from "../core/grants.ts";
import { LIMITS } from "../core/limits.ts";
import type { BackendUser } from "../core/ports/backend.ts";
import type { Cancel } from "../core/ports/clock.ts";
import { type ClientLine, type Command, decodeClientFrame } from "../protocol/client-frame.ts";
import { DISCONNECT, type Disconnect, type ProtocolError } from "../protocol/codes.ts";
import { encodeErrorReply, encodeReply } from "../protocol/server-frame.ts";
import { VISITOR } from "./admission.ts";
import { admitByCommand } from "./admit.ts";
import { answerCommand } from "./answer-command.ts";
import type { ClientLimits, ClientServices } from "./client-services.ts";
import { ClientSubscriptions } from "./client-subscriptions.ts";
import { CommandPace, CommandRate } from "./command-pace.ts";
import { CommandQueue } from "./command-queue.ts";
import { runCommand } from "./commands/run-command.ts";
import type { Connection, Peer } from "./connection.ts";
import { watchExpiry } from "./expiry.ts";
import { readFrame } from "./read-frame.ts";
import { type SessionEffect, type SessionInput, type SessionState, step } from "./session.ts";
import { WaitingCalls } from "./waiting-calls.ts";

/** New credentials for the time to come. */
type Renewal = Pick<Identity, "info" | "meta" | "expiresAtMs">;

/** What a client wants of all its subscriptions. */
interface Wishes {
  /** The newest state of each device whose channel the server subscribes it to. */
  readonly withStates?: boolean;
}

/** One connected client: feeds the session with what happens and does what the session decides. */
export class Client {
  readonly id: string;
  readonly connection: Connection;
  readonly services: ClientServices;
  readonly subscriptions = new ClientSubscriptions(this);
  readonly calls: WaitingCalls;
  /** Where it runs, as far as it has said. */
  platform = "unknown";
  /** Of this client for all its life: it was told how often it is pinged, and watches for that. */
  readonly pings: Pick<ClientLimits, "pingIntervalMs" | "pongTimeoutMs">;
  #identity: Identity = VISITOR.identity;
  #isAdmitted = false;
  #withStates = false;
  #headers: Readonly<Record<string, string>>;
  readonly #queue: CommandQueue;
  readonly #pace: CommandPace;
  #state: SessionState = { at: "greeting" };
  #busy = false;
  #timer: Cancel;
  #expiry: Cancel | undefined;

  constructor(connection: Connection, services: ClientServices, peer: Peer) {
    this.id = services.entropy.uuid();
    this.connection = connection;
    this.services = services;
    this.#headers = peer.headers ?? {};
    const { pingIntervalMs, pongTimeoutMs } = services.limits;
    this.pings = { pingIntervalMs, pongTimeoutMs };
    this.calls = new WaitingCalls(services.log);
    this.#queue = new CommandQueue(services.limits);
    this.#pace = new CommandPace(new CommandRate(services.limits), services.clock);
    this.#timer = this.#after(services.limits.greetingTimeoutMs, { type: "greeting_overdue" });
    services.registry.add(this);
  }

  get isClosed(): boolean {
    return this.#state.at === "closed";
  }

  /** Nobody until it is admitted. */
  get identity(): Identity {
    return this.#identity;
  }

  /** It is to get the newest state with each device that becomes its user's. */
  get withStates(): boolean {
    return this.#withStates;
  }

  /** How it appears to others. */
  info(): ClientInfo {
    const { user, info } = this.#identity;
    return { user, client: this.id, ...(info !== undefined && { connInfo: info }) };
  }

  /** Completes what the handshake brought by what the client says its headers would be. */
  emulateHeaders(headers: Readonly<Record<string, string>>): void {
    this.#headers = { ...headers, ...this.#headers };
  }

  /** What the backend is told of it in every question. */
  asBackendUser(): BackendUser {
    const { user, meta } = this.#identity;
    return {
      client: this.id,
      transport: this.connection.transport,
      headers: this.#headers,
      user,
      ...(meta !== undefined && { meta }),
    };
  }

  /** Takes one frame of the client protocol; undefined stands for a binary one. */
  receive(text: string | undefined): void {
    const lines = text === undefined ? undefined : readFrame(this, () => decodeClientFrame(text));
    if (text === undefined) this.end(DISCONNECT.binaryFrame);
    else if (lines === undefined) this.#feed({ type: "malformed" });
    else this.#accept(lines, text.length);
  }

  /** Something arrived that is no frame of the protocol: the peer lives. */
  signOfLife(): void {
    this.#feed({ type: "sign_of_life" });
  }

  /** Ends the connection for a reason the client is told. */
  end(disconnect: Disconnect): void {
    this.#feed({ type: "ended", disconnect });
  }

  /** It reads too slowly, and has lost a frame: it gets that by recovery. */
  tooSlow(): void {
    if (this.isClosed) return;
    const { log, limits } = this.services;
    log.warn("client.slow", { client: this.id, queueMaxBytes: limits.queueMaxBytes });
    this.end(DISCONNECT.slow);
  }

  /** The connection is gone. */
  lost(code: number, reason: string): void {
    if (this.isClosed) return;
    this.#feed({ type: "lost" });
    this.#release({ code, reason }, "client");
  }

  /** From now on the client is one of `identity`, and is pinged. */
  admitted(identity: Identity, { withStates = false }: Wishes = {}): void {
    this.#identity = identity;
    this.#withStates = withStates;
    this.#isAdmitted = true;
    this.#feed({ type: "admitted", pong: this.connection.pong });
    this.#timer();
    const { pingIntervalMs } = this.pings;
    // Spread out, so that clients which came together are not pinged together.
    const firstMs = pingIntervalMs * (0.5 + this.services.entropy.fraction() / 2);
    this.#timer = this.#after(firstMs, { type: "ping_due" });
    this.expireAt(identity.expiresAtMs);
    this.services.registry.admitted(this, identity.user);
  }

  /** Sets when the credentials end; undefined is never. */
  expireAt(atMs: number | undefined): void {
    this.#expiry?.();
    this.#expiry = atMs === undefined || this.isClosed ? undefined : watchExpiry(this, atMs);
  }

  /** It may stay on; what is absent of `info` and `meta` stays as it was. */
  renewed({ info, meta, expiresAtMs }: Renewal): void {
    this.#identity = {
      ...this.#identity,
      ...(info !== undefined && { info }),
      ...(meta !== undefined && { meta }),
    };
    this.expireAt(expiresAtMs);
  }

  /** Its user owns other devices now, or may send them other commands. */
  rebound(bindings: Identity["bindings"]): void {
    this.#identity = { ...this.#identity, bindings };
  }

  /** The connect command was answered with an error; nothing more is expected. */
  refused(id: number, error: ProtocolError): void {
    this.connection.send(encodeErrorReply(id, error));
    this.#queue.clear();
    this.#feed({ type: "refused" });
    this.#timer();
    this.#timer = this.#after(LIMITS.closeGraceMs, { type: "greeting_overdue" });
  }

  /** `result` is JSON text. */
  reply(command: Command, result: string): void {
    this.connection.send(encodeReply(command.id, command.method, result));
  }

  /** Counts one thing that the client asks for; false when it may not have it. Who goes on has to go. */
  isInPace(): boolean {
    const verdict = this.#pace.next();
    if (verdict === "excessive") this.end(DISCONNECT.tooManyRequests);
    return verdict === "allowed" && this.services.userPace.take(this.#identity.user);
  }

  /** Lets it in by `admit`. From here on the time is ours, and running out of it is no fault of the client's. */
  connect(admit: () => Promise<void> | void): void {
    this.#timer();
    const overdue = { type: "ended", disconnect: DISCONNECT.internal } as const;
    this.#timer = this.#after(LIMITS.admissionTimeoutMs, overdue);
    this.perform("client.connect", admit);
  }

  /** Runs one of the client's requests; what comes meanwhile waits. */
  perform(stage: string, request: () => Promise<void> | void): void {
    this.#busy = true;
    detach(this.services.log, stage, async () => {
      try {
        await request();
      } finally {
        this.#busy = false;
        this.#work();
      }
    });
  }

  #accept(lines: readonly ClientLine[], chars: number): void {
    this.#feed({ type: "sign_of_life" });
    for (const line of lines) if (line === "pong") this.#feed({ type: "pong" });
    const commands = lines.filter((line) => line !== "pong");
    this.#queue.push(commands, chars);
    if (this.#queue.isOverfull) this.end(DISCONNECT.tooManyRequests);
    else this.#work();
  }

  #work(): void {
    while (!this.#busy && !this.isClosed) {
      const command = this.#queue.shift();
      if (command === undefined) return;
      this.#feed({ type: "command", command });
    }
  }

  #feed(input: SessionInput): void {
    const [state, effects] = step(this.#state, input);
    this.#state = state;
    for (const effect of effects) this.#obey(effect);
  }

  #obey(effect: SessionEffect): void {
    switch (effect.do) {
      case "admit":
        this.connect(() => admitByCommand(this, effect.command));
        break;
      case "run":
        this.perform("client.command", () => this.#run(effect.command));
        break;
      case "ping":
        this.#ping();
        break;
      case "close":
        this.#release(effect.disconnect, "server");
        this.connection.close(effect.disconnect);
        break;
    }
  }

  async #run(command: Command): Promise<void> {
    const { log, meter } = this.services;
    meter.commanded(command.method);
    log.debug("client.message", { client: this.id, method: command.method });
    await answerCommand(this, command, () => {
      if (!this.isInPace()) throw new Fault("commands_exceeded");
      return runCommand(this, command);
    });
  }

  #ping(): void {
    this.connection.ping();
    const { pingIntervalMs, pongTimeoutMs } = this.pings;
    this.#timer = this.services.clock.after(pongTimeoutMs, () => {
      this.#feed({ type: "pong_overdue" });
      if (this.isClosed) return;
      this.#timer = this.#after(pingIntervalMs - pongTimeoutMs, { type: "ping_due" });
    });
  }

  #after(delayMs: number, input: SessionInput): Cancel {
    return this.services.clock.after(delayMs, () => this.#feed(input));
  }

  #release(disconnect: Disconnect, by: "client" | "server"): void {
    this.#timer();
    this.#expiry?.();
    this.#queue.clear();
    this.calls.end();
    this.subscriptions.leaveAll();
    const { registry, log, meter } = this.services;
    meter.closed(by, disconnect);
    const { user } = this.#identity;
    registry.remove(this, this.#isAdmitted ? user : undefined);
    log.info("client.disconnected", { client: this.id, user, by, ...disconnect });
  }
}
