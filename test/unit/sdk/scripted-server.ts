import { Inbox } from "../../support/inbox.ts";

interface Command {
  readonly id?: number;
  readonly connect?: { readonly token?: string; readonly name?: string };
  readonly subscribe?: Readonly<Record<string, unknown>> & { readonly channel: string };
  readonly unsubscribe?: { readonly channel: string };
  readonly refresh?: { readonly token: string };
  readonly rpc?: { readonly method: string; readonly data: Readonly<Record<string, unknown>> };
}

type Answer = Readonly<Record<string, unknown>>;

/** How the server answers; each may be replaced while it runs. */
export interface Script {
  /** A close instead of an answer: `{ close: [code, reason] }`; silence: undefined. */
  connect: (token: string) => Answer | undefined;
  subscribe: (channel: string, request: Answer) => Answer | undefined;
  refresh: (token: string) => Answer | undefined;
  rpc: (method: string, data: Answer) => Answer | undefined;
  /** Sent before anything was asked. */
  hello: string | undefined;
}

/** One connection, as the server sees it. */
export class Peer {
  readonly commands = new Inbox<Command>();
  readonly #socket: Bun.ServerWebSocket<unknown>;
  /** Resolves when the client has closed or was lost. */
  readonly closed = Promise.withResolvers<{ code: number; reason: string }>();

  constructor(socket: Bun.ServerWebSocket<unknown>) {
    this.#socket = socket;
  }

  send(message: Answer): void {
    this.#socket.send(JSON.stringify(message));
  }

  publish(channel: string, data: unknown, offset: number): void {
    this.send({ push: { channel, pub: { data, offset } } });
  }

  close(code: number, reason = ""): void {
    this.#socket.close(code, reason);
  }

  cut(): void {
    this.#socket.terminate();
  }

  command(matches: (command: Command) => boolean, what: string): Promise<Command> {
    return this.commands.find(matches, { what });
  }
}

/** A server of the client protocol that says what the test has written for it. */
export class ScriptedServer implements Disposable {
  readonly peers = new Inbox<Peer>();
  readonly script: Script = {
    connect: () => ({ connect: { client: "c", version: "0", ping: 25, pong: true } }),
    subscribe: () => ({ subscribe: { recoverable: true, epoch: "e", offset: 0 } }),
    refresh: () => ({ refresh: {} }),
    rpc: () => ({ rpc: { data: {} } }),
    hello: undefined,
  };
  readonly url: string;
  readonly #server: Bun.Server<unknown>;

  constructor() {
    const byWebsocket = new Map<unknown, Peer>();
    this.#server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request, server) =>
        server.upgrade(request, { data: {} }) ? undefined : new Response("no", { status: 403 }),
      websocket: {
        open: (socket) => {
          const peer = new Peer(socket);
          byWebsocket.set(socket, peer);
          this.peers.push(peer);
          if (this.script.hello !== undefined) socket.send(this.script.hello);
        },
        message: (socket, text) => {
          const peer = byWebsocket.get(socket);
          for (const line of String(text).split("\n")) {
            if (peer !== undefined) this.#answer(peer, JSON.parse(line) as Command);
          }
        },
        close: (socket, code, reason) => {
          byWebsocket.get(socket)?.closed.resolve({ code, reason });
        },
      },
    });
    this.url = `ws://127.0.0.1:${this.#server.port}`;
  }

  /** The connection with this number, from 1. */
  peer(number: number): Promise<Peer> {
    return this.peers.find((peer) => this.peers.items[number - 1] === peer, {
      what: `connection ${number}`,
    });
  }

  [Symbol.dispose](): void {
    void this.#server.stop(true);
  }

  #answer(peer: Peer, command: Command): void {
    const { id, connect, subscribe, unsubscribe, refresh, rpc } = command;
    const { script } = this;
    let answer: Answer | undefined;
    if (connect !== undefined) answer = script.connect(connect.token ?? "");
    if (subscribe !== undefined) answer = script.subscribe(subscribe.channel, subscribe);
    if (unsubscribe !== undefined) answer = { unsubscribe: {} };
    if (refresh !== undefined) answer = script.refresh(refresh.token);
    if (rpc !== undefined) answer = script.rpc(rpc.method, rpc.data);
    peer.commands.push(command);
    if (answer === undefined) return;
    const close = answer["close"] as [number, string] | undefined;
    if (close !== undefined) peer.close(...close);
    else peer.send({ id, ...answer });
  }
}
