import type { Answer } from "./http-exchange.ts";
import { membersOf, type Route } from "./observe-front.ts";
import { type ClientSocket, type Message, shakeHands } from "./websocket.ts";
import { openWire, type Trouble, troubleOf } from "./wire.ts";

/** What came of asking for a websocket. */
export type SocketSeen =
  | { readonly kind: "failed"; readonly trouble: Trouble }
  | { readonly kind: "refused"; readonly answer: Answer }
  | {
      readonly kind: "open";
      readonly tookMs: number;
      readonly protocol?: string;
      /** What the server said first, where that was waited for; undefined when it said nothing. */
      readonly first?: Message;
      /** From a ping of the websocket to its pong. */
      readonly pongMs?: number;
    };

/** What a client says of who it is. A ticket is worth one handshake, a token any number. */
export interface Credentials {
  readonly ticket?: string;
  readonly token?: string;
}

/** Everything that was seen of a server's websockets. */
export interface SocketsSeen {
  readonly login: SocketSeen;
  readonly protocol: SocketSeen;
  readonly ownSubprotocol: SocketSeen;
  readonly foreignSubprotocol: SocketSeen;
  readonly foreignPage: SocketSeen;
  readonly miniProgram: SocketSeen;
  /** The headers of a handshake as they reached Posthorn; undefined when it was not Posthorn that told. */
  readonly arrived?: Readonly<Record<string, string>>;
}

/** A socket that stays open, and what was seen of it. */
export interface OpenSocket {
  readonly seen: SocketSeen;
  readonly socket?: ClientSocket;
}

export const OWN_SUBPROTOCOL = "centrifuge-json";
export const FOREIGN_SUBPROTOCOL = "posthorn-doctor";
/** No page has this origin, so nobody has allowed it by name. */
const FOREIGN_ORIGIN = "https://posthorn-doctor.invalid";
const MINI_PROGRAM_ORIGIN = "https://servicewechat.com";
const PROTOCOL_PATH = "/connection/websocket";

/** What {@link observeSockets} works with: it closes what it opens at the end of the scope. */
export interface Visit extends Route {
  readonly scope: DisposableStack;
  readonly credentials: Credentials;
}

/** Tries every kind of handshake a phone makes; those with `login` and `protocol` stay open. */
export async function observeSockets(visit: Visit) {
  const [login, protocol, arrived, ...others] = await Promise.all([
    openLogin(visit),
    openProtocol(visit),
    observeArrival(visit),
    handshake(visit, { "Sec-WebSocket-Protocol": OWN_SUBPROTOCOL }),
    handshake(visit, { "Sec-WebSocket-Protocol": FOREIGN_SUBPROTOCOL }),
    handshake(visit, { Origin: FOREIGN_ORIGIN }),
    handshake(visit, { Origin: MINI_PROGRAM_ORIGIN }),
  ]);
  const [ownSubprotocol, foreignSubprotocol, foreignPage, miniProgram] = others;
  const seen: SocketsSeen = {
    ...{ ownSubprotocol, foreignSubprotocol, foreignPage, miniProgram },
    login: login.seen,
    protocol: protocol.seen,
    ...(arrived !== undefined && { arrived }),
  };
  return { seen, login, protocol };
}

async function openLogin(visit: Visit): Promise<OpenSocket> {
  const { ticket } = visit.credentials;
  const query = ticket === undefined ? "" : `?ticket=${encodeURIComponent(ticket)}`;
  return greeted(visit, await open(visit, `/login${query}`), () => {});
}

async function openProtocol(visit: Visit): Promise<OpenSocket> {
  const { token } = visit.credentials;
  // In a frame: whatever stands in front may write down a URL, and this is worth more than one handshake.
  const connect = { id: 1, connect: { ...(token !== undefined && { token }), name: "doctor" } };
  return greeted(visit, await open(visit, PROTOCOL_PATH), (socket) =>
    socket.send(JSON.stringify(connect)),
  );
}

/** Lets the client speak and waits for the server's first words. */
async function greeted(
  { clock }: Visit,
  { seen, socket }: OpenSocket,
  greet: (socket: ClientSocket) => void,
): Promise<OpenSocket> {
  if (socket === undefined || seen.kind !== "open") return { seen };
  try {
    greet(socket);
    const first = await socket.receive();
    if (first.kind !== "text") return { seen: { ...seen, first } };
    const pingedMs = clock.monotonicMs();
    socket.ping();
    const answer = await socket.receive().catch(() => undefined);
    const pongMs = clock.monotonicMs() - pingedMs;
    return { seen: { ...seen, first, ...(answer?.kind === "pong" && { pongMs }) }, socket };
  } catch {
    return { seen };
  }
}

async function handshake(visit: Visit, headers: Record<string, string>): Promise<SocketSeen> {
  using scope = new DisposableStack();
  return (await open({ ...visit, scope }, PROTOCOL_PATH, headers)).seen;
}

async function open(
  { target, wire, clock, scope }: Visit,
  path: string,
  headers: Record<string, string> = {},
): Promise<OpenSocket> {
  const startedMs = clock.monotonicMs();
  try {
    const opened = scope.use(await openWire(wire, clock));
    const place = { path: `${target.prefix}${path}`, authority: target.authority };
    const result = await shakeHands(opened, { ...place, headers });
    if ("refused" in result) return { seen: { kind: "refused", answer: result.refused } };
    const { socket, protocol } = result;
    const tookMs = clock.monotonicMs() - startedMs;
    const seen = { kind: "open", tookMs, ...(protocol !== undefined && { protocol }) } as const;
    return { seen, socket };
  } catch (error) {
    return { seen: { kind: "failed", trouble: troubleOf(error) } };
  }
}

/** A key that nobody takes makes Posthorn tell what else reached it. */
async function observeArrival(visit: Visit): Promise<Record<string, string> | undefined> {
  using scope = new DisposableStack();
  const headers = { "Sec-WebSocket-Key": "doctor" };
  const { seen } = await open({ ...visit, scope }, "/login", headers);
  if (seen.kind !== "refused") return undefined;
  const told = membersOf(seen.answer)?.["seen"];
  if (typeof told !== "object" || told === null) return undefined;
  const named = Object.entries(told).map(([name, value]) => [name.toLowerCase(), `${value ?? ""}`]);
  return Object.fromEntries(named);
}
