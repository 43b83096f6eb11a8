/** What a socket or a topic did with a frame. */
export type SendResult = "sent" | "queued" | "dropped";

/**
 * One accepted websocket. Methods MUST be harmless on a socket that is already gone.
 *
 * What is sent, and what is published to a subscribed topic, arrives in the order of the calls. A
 * publication made before `subscribe` never arrives, one made after it always does.
 */
export interface HostSocket {
  /** The peer's address as the TCP connection shows it. */
  readonly remoteAddress: string;
  send(text: string): SendResult;
  /**
   * Sends a close frame and lets the connection end; `reason` is at most 123 bytes of UTF-8. Frames
   * that still wait may be lost. The handler gets no message after this, and its `close` runs before
   * this returns.
   */
  close(code: number, reason: string): void;
  /** Ends the TCP connection at once, without a close frame (see `hardTerminate`); like `close` otherwise. */
  terminate(): void;
  /** Sends a ping frame (RFC 6455 §5.5.2); does nothing without `nativePing`. */
  ping(): void;
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  /** Bytes accepted by `send` and `publish` that the peer's TCP window has not taken yet. */
  bufferedBytes(): number;
}

/**
 * Obeys one accepted websocket.
 *
 * The host MUST catch what these throw, or reject with, and keep running: it logs `ws.bug` once,
 * calls nothing but `close` any more, and closes the socket with 1011 "internal error".
 */
export interface SocketHandler {
  open(socket: HostSocket): void;
  /** A text frame, or `undefined` for a binary one. A longer one than allowed ends the socket with 1009 instead. */
  message(text: string | undefined): void;
  /** Never called without `nativePing`. */
  pong(): void;
  /**
   * Called exactly once after `open`, also after an abnormal end (code 1006). It may run inside any
   * call of a method of the socket or the listener, so it MUST expect its caller to be half done.
   */
  close(code: number, reason: string): void;
}

/** Who is asking, beside what the request itself says. */
export interface RequestInfo {
  /** The peer's address as the TCP connection shows it; "" when the peer is already gone. */
  readonly remoteAddress: string;
  /** Whether the peer has shown a certificate that `clientCa` signed. Absent: it has not. */
  readonly isCertified?: boolean;
  /**
   * Switches the connection to a websocket that `handler` obeys; the response to return is
   * meaningless then. False when the runtime refused the handshake. In either case the request's URL
   * MUST NOT be read any more.
   */
  upgrade(handler: SocketHandler, options: UpgradeOptions): boolean;
  /**
   * Lets the body of the response be silent for as long as it likes. The runtime MUST ask for its next
   * chunk only when the peer has room for it, and MUST cancel it when the peer is gone, also when the
   * peer went before the response was there. Call what this returns when the body is about to end: a
   * peer that then takes nothing is cut off within moments where `hardTerminate`.
   */
  holdOpen(): () => void;
}

export interface UpgradeOptions {
  /** The one subprotocol to confirm; absent confirms none. */
  readonly protocol?: string;
}

export interface TlsFiles {
  /** PEM text: leaf first, then the intermediates. */
  readonly cert: string;
  /** PEM text. */
  readonly key: string;
}

export interface ServedCertificate extends TlsFiles {
  /** Lower case; `*.example.com` stands for one label more. One that is exact goes before one that is not. */
  readonly serverNames: readonly string[];
}

/** What `fullTls` is needed for makes `listen` reject where it is missing. */
export interface TlsOptions {
  /** Each name in one of them only. Clients that name nothing, or a name of none, get the first. More than one: `fullTls`. */
  readonly certificates: readonly [ServedCertificate, ...ServedCertificate[]];
  /** The oldest version to speak. "1.3": `fullTls`. */
  readonly minVersion: "1.2" | "1.3";
  /** PEM text: lets in only who shows a certificate signed by one of these. `fullTls`. */
  readonly clientCa?: string;
}

/** What one websocket may make the host hold. */
export interface SocketBounds {
  /** Of one message, after any decompression. */
  readonly frameMaxBytes: number;
  /**
   * Bytes that may wait for one socket before it is cut off without a close frame (code 1006). One
   * frame may pass the bound, the next one is dropped and ends the socket.
   */
  readonly backpressureMaxBytes: number;
}

export interface ListenOptions<Request, Response> extends SocketBounds {
  readonly hostname: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly tls?: TlsOptions;
  /**
   * Lets listeners of this process that were opened so share the port, where `sharesPort`. Of them the
   * one opened last gets every new connection, as far as the machine can tell them apart; so the ones
   * before it should go on accepting for a moment, for what had already begun.
   */
  readonly sharePort?: boolean;
  /** With `sharePort`: another process listens there that is about to let go of the port. */
  readonly takesOverPort?: boolean;
  /**
   * A body that declares more is answered 413 without a call of `fetch`. A body that declares nothing
   * may be longer where the runtime sets no bound: whoever reads it MUST count.
   */
  readonly bodyMaxBytes: number;
  /** What it throws or rejects with is logged as `http.bug` and answered 500 without any detail. */
  readonly fetch: (request: Request, info: RequestInfo) => Promise<Response> | Response;
}

export interface Listener {
  /** The port really listened on, also after `stop`. */
  readonly port: number;
  /**
   * Sends `text` to every socket subscribed to `topic`: the frame is handed over once. "dropped"
   * means that some socket lost it, gets nothing any more and is going to be cut off; "queued" that
   * some socket has not taken all it was sent, be it slow or only in the midst of a burst. Neither
   * says whose socket. One that is going to be cut off MUST stay open, and show in `bufferedBytes`
   * what waits for it, until the microtasks of this call have run: that tells whose it was.
   */
  publish(topic: string, text: string): SendResult;
  /** From now on other bounds hold, also for sockets that are open. Nothing is cut off by the change itself. */
  rebound(bounds: SocketBounds): void;
  /**
   * Refuses new connections, or new requests with 503 while it cannot, and resolves when running
   * requests are answered. Sockets stay open and topics keep working where `stopKeepsSockets`; elsewhere
   * they end with 1001, so say goodbye first.
   */
  stop(): Promise<void>;
  /** Ends kept-alive connections on which no request runs, where the runtime can. */
  closeIdle(): void;
  /** How many sockets it has accepted that are open. */
  openSockets(): number;
  /** Closes each of them as its own `farewell` says; they need not be gone when this returns. */
  closeSockets(farewell: () => Farewell): void;
  /** After `stop`: ends at once whatever is left, requests that still run too, where `stopKeepsSockets`. */
  abort(): Promise<void>;
}

/** What a close frame says. */
export interface Farewell {
  readonly code: number;
  readonly reason: string;
}

/**
 * What a runtime does for us. Generic in the web's Request and Response, which the core does not know.
 *
 * Differences between runtimes are told by `capabilities`, never by a runtime's name.
 */
export interface Host<Request, Response> {
  readonly capabilities: HostCapabilities;
  /**
   * Rejects with what is wrong with the address or the certificate; an address that another process
   * listens on is never shared.
   */
  listen(options: ListenOptions<Request, Response>): Promise<Listener>;
}

export interface HostCapabilities {
  /** The runtime fans out topics itself. */
  readonly nativeTopics: boolean;
  /** The runtime cuts off a socket over its backpressure bound by itself. */
  readonly nativeBackpressure: boolean;
  /** Handshakes without `upgrade` in the Connection header can be accepted. */
  readonly lenientHandshake: boolean;
  /** `ping` sends a frame and `pong` is heard. Without it only the protocol's own pings find a dead peer. */
  readonly nativePing: boolean;
  /** `terminate` ends the TCP connection. Without it a peer that ignores the close frame keeps it until TCP gives up. */
  readonly hardTerminate: boolean;
  /** Sockets outlive `stop`. */
  readonly stopKeepsSockets: boolean;
  /** `sharePort` works. */
  readonly sharesPort: boolean;
  /** Certificates can be told apart by name, versions chosen and clients asked for certificates. */
  readonly fullTls: boolean;
}
