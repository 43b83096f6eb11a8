import { createConnection, createServer, type Server, type Socket } from "node:net";

type Direction = "up" | "down";

/** A TCP hop between clients and a server that a test can cut, stall and point elsewhere. */
export class TcpProxy implements AsyncDisposable {
  /** The port connections are carried to; may change while running. */
  targetPort: number;
  /** How many connections it has carried. */
  accepted = 0;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #stalled = new Set<Direction>();
  #refuses = false;

  private constructor(targetPort: number) {
    this.targetPort = targetPort;
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#carry(client));
  }

  static async start(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
    const { promise, resolve } = Promise.withResolvers<void>();
    proxy.#server.listen(0, "127.0.0.1", resolve);
    await promise;
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string")
      throw new Error("Cannot tell port: not listening");
    return address.port;
  }

  get open(): number {
    return this.#pairs.size;
  }

  /** Resets every connection (or those `chosen`, by order of arrival); new ones are still carried. */
  cut(chosen: (index: number) => boolean = () => true): void {
    for (const [index, pair] of [...this.#pairs].entries()) {
      if (!chosen(index)) continue;
      for (const socket of pair) socket.resetAndDestroy();
    }
  }

  /** Refuses new connections until {@link accept}. */
  refuse(): void {
    this.#refuses = true;
  }

  accept(): void {
    this.#refuses = false;
  }

  /** Stops carrying bytes one way; the connections stay up, as behind a dead radio link. */
  stall(direction: Direction): void {
    this.#stalled.add(direction);
    for (const pair of this.#pairs) source(pair, direction).pause();
  }

  /** Carries again what was stalled, losing nothing. */
  resume(direction: Direction): void {
    this.#stalled.delete(direction);
    for (const pair of this.#pairs) source(pair, direction).resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.cut();
    await promise;
  }

  #carry(client: Socket): void {
    if (this.#refuses) {
      client.resetAndDestroy();
      return;
    }
    this.accepted += 1;
    const pair = [
      client,
      createConnection({ port: this.targetPort, host: "127.0.0.1", allowHalfOpen: true }),
    ] as const;
    this.#pairs.add(pair);
    this.#pipe(pair, "up");
    this.#pipe(pair, "down");
  }

  #pipe(pair: readonly [Socket, Socket], direction: Direction): void {
    const [from, to] = direction === "up" ? pair : [pair[1], pair[0]];
    if (this.#stalled.has(direction)) from.pause();
    from.on("data", (chunk) => {
      if (!to.write(chunk)) from.pause();
    });
    to.on("drain", () => {
      if (!this.#stalled.has(direction)) from.resume();
    });
    from.on("end", () => to.end());
    from.on("error", () => to.destroy());
    from.on("close", () => {
      this.#pairs.delete(pair);
      to.destroy();
    });
  }
}

function source([client, server]: readonly [Socket, Socket], direction: Direction): Socket {
  return direction === "up" ? client : server;
}
