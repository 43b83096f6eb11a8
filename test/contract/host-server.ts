/**
 * A server for the host contract, started with Bun and with Deno. It obeys commands: lines of JSON
 * on stdin, answered on stdout among the lines that tell what happened.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { setImmediate } from "node:timers/promises";
import type {
  HostSocket,
  ListenOptions,
  RequestInfo,
  SocketHandler,
} from "../../src/core/ports/host.ts";
import type { Log } from "../../src/core/ports/log.ts";
import { currentHost } from "../../src/runtime/current-host.ts";
import { HeldBodies } from "./held-bodies.ts";
import { CANARY, type Call, type Command, HOST_LIMITS, type StartOptions } from "./host-wire.ts";

function tell(line: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function logger(level: keyof Log) {
  return (event: string, { stage, error }: Readonly<Record<string, unknown>> = {}) =>
    tell({ kind: "log", level, event, stage, error: String(error) });
}

const log: Log = {
  debug: logger("debug"),
  info: logger("info"),
  warn: logger("warn"),
  error: logger("error"),
};

const host = await currentHost(log);
const {
  hostname,
  port = 0,
  tls,
  sharePort = false,
}: StartOptions = JSON.parse(process.argv[2] ?? "");
const options: ListenOptions<Request, Response> = {
  ...HOST_LIMITS,
  hostname,
  port,
  sharePort,
  ...(tls && { tls }),
  fetch: answer,
};
const held = Promise.withResolvers<Response>();
const bodies = new HeldBodies(tell);
const sockets = new Map<string, HostSocket>();
/** Counts what "flood" published, for those who subscribe in its midst. */
let flooded = 0;
let joined = 0;

const listener = await host.listen(options);

function answer(request: Request, info: RequestInfo): Promise<Response> | Response {
  const { method, url } = request;
  const { remoteAddress, isCertified = false } = info;
  tell({ kind: "request", method, url });
  const path = /^(?:https?:\/\/[^/]*)?(\/[a-z-]*)/.exec(url)?.[1];
  switch (path) {
    case "/socket":
      return upgrade(request, info);
    case "/throw":
      throw new Error(CANARY);
    case "/reject":
      return Promise.reject(new Error(CANARY));
    case "/throw-text":
      throw CANARY;
    case "/hold":
      return held.promise;
    case "/body-held":
      return openBody(url, info);
    case "/body-late":
      return held.promise.then(() => openBody(url, info));
    case "/body":
      return request.text().then((body) => Response.json({ length: body.length }));
    default:
      return Response.json({ url, remoteAddress, isCertified });
  }
}

function openBody(url: string, info: RequestInfo): Response {
  const query = new URL(url).searchParams;
  const kind = query.get("kind") === "endless" ? "endless" : "silent";
  return bodies.open(query.get("id") ?? "?", kind, info);
}

async function upgrade(request: Request, info: RequestInfo): Promise<Response> {
  const query = new URL(request.url).searchParams;
  const protocol = query.get("protocol");
  const throwIn = query.get("throw") ?? "";
  const handler = handlerOf(query.get("id") ?? "?", throwIn);
  if (info.upgrade(handler, protocol === null ? {} : { protocol })) {
    if (throwIn === "fetch") await throwLater();
    return new Response();
  }
  return new Response("the runtime refused", { status: 400 });
}

function handlerOf(id: string, throwIn: string): SocketHandler {
  let socket: HostSocket | undefined;
  function mayThrow(stage: string): void {
    if (throwIn === stage) throw new Error(CANARY);
  }
  function received(text: string | undefined): void {
    tell({ kind: "message", id, text: text?.slice(0, 100) });
    mayThrow("message");
    if (text === undefined) socket?.send("got a binary frame");
    else if (text === "close me") socket?.close(4001, "bye");
    else if (text.startsWith("echo ")) socket?.send(text.slice("echo ".length));
  }
  return {
    open(opened) {
      socket = opened;
      sockets.set(id, opened);
      tell({ kind: "open", id, remoteAddress: opened.remoteAddress });
      mayThrow("open");
    },
    message: throwIn === "message-later" ? throwLater : received,
    pong() {
      tell({ kind: "pong", id });
      mayThrow("pong");
    },
    close(code, reason) {
      tell({ kind: "close", id, code, reason });
      mayThrow("close");
    },
  };
}

/** An async method of a handler, which the type cannot forbid. */
async function throwLater(): Promise<void> {
  await setImmediate();
  throw new Error(CANARY);
}

async function obey(command: Command): Promise<unknown> {
  switch (command.do) {
    case "publish":
      return listener.publish(command.topic, command.text);
    case "call":
      return call(command.id, command.calls);
    case "flood":
      return await flood(command.topic, command.joiners);
    case "join-flood":
      return joinFlood(command.id, command.topic);
    case "overflow":
      return await overflow(command.stalled, command.healthy);
    case "pulled-bytes":
      return bodies.pulledBytes(command.id);
    case "end-body":
      return bodies.end(command.id, command.kind);
    case "rebound":
      listener.rebound(command.bounds);
      return null;
    case "nothing":
      return null;
    case "release":
      return held.resolve(new Response("held until released"));
    case "stop":
      await listener.stop();
      return listener.port;
    case "close-idle":
      return listener.closeIdle();
    case "listen-again":
      return await listenAgain({ ...options, port: listener.port });
    case "listen-beside":
      return await listenAgain({ ...options, port: listener.port, tls: command.tls });
    case "open-sockets":
      return listener.openSockets();
    case "close-sockets":
      return closeSockets(command.code);
    case "abort":
      return await listener.abort();
  }
}

/** Makes the calls one after the other in one turn of the event loop. */
function call(id: string, calls: readonly Call[]): unknown[] {
  const socket = socketOf(id);
  return calls.map((it) => {
    switch (it[0]) {
      case "publish":
        return listener.publish(it[1], it[2]);
      case "send":
        return socket.send(it[1]);
      case "close":
        return socket.close(it[1], it[2]);
      case "subscribe":
        return socket.subscribe(it[1]);
      case "unsubscribe":
        return socket.unsubscribe(it[1]);
      case "stop":
        void listener.stop();
        return null;
      default:
        return socket[it[0]]();
    }
  });
}

function socketOf(id: string): HostSocket {
  const socket = sockets.get(id);
  if (socket === undefined) throw new Error(`Cannot find socket ${id}: it has not opened`);
  return socket;
}

/** Publishes numbers without a pause until so many have joined, and some more for the last of them. */
async function flood(topic: string, joiners: number): Promise<number> {
  for (let more = 1000; more > 0; more -= joined < joiners ? 0 : 1) {
    flooded += 1;
    listener.publish(topic, String(flooded));
    if (flooded % 10 === 0) await setImmediate();
  }
  return flooded;
}

function joinFlood(id: string, topic: string): void {
  socketOf(id).send(`after ${flooded}`);
  socketOf(id).subscribe(topic);
  joined += 1;
}

/** Publishes, as fast as `healthy` reads, until one is dropped; says how much `stalled` held at most. */
async function overflow(stalled: string, healthy: string): Promise<unknown> {
  const text = "x".repeat(16 * 1024);
  let published = 0;
  let bufferedMaxBytes = 0;
  for (;;) {
    published += 1;
    if (listener.publish("t", `${published} ${text}`) === "dropped") break;
    bufferedMaxBytes = Math.max(bufferedMaxBytes, socketOf(stalled).bufferedBytes());
    while (socketOf(healthy).bufferedBytes() > 0) await setImmediate();
  }
  await Promise.resolve();
  return { published, bufferedMaxBytes, lostWithBytes: socketOf(stalled).bufferedBytes() };
}

/** Tells each which one of them it was. */
function closeSockets(code: number): void {
  let closed = 0;
  listener.closeSockets(() => {
    closed += 1;
    return { code, reason: `socket ${closed}` };
  });
}

async function listenAgain(again: ListenOptions<Request, Response>): Promise<string> {
  try {
    await host.listen(again);
    return "listening";
  } catch (error) {
    return String(error);
  }
}

const lines = createInterface({ input: process.stdin });
lines.on("line", async (line) => {
  const { tag, ...command } = JSON.parse(line);
  tell({ kind: "done", tag, result: (await obey(command)) ?? null });
});
lines.on("close", () => process.exit(0));
tell({ kind: "listening", port: listener.port, capabilities: host.capabilities });
