import { type Finding, finding, findingIf, type Values } from "./finding.ts";
import { fixOf } from "./front-fix.ts";
import type { HoldSeen } from "./hold.ts";
import type { Answer } from "./http-exchange.ts";
import { isPosthorn } from "./judge-front.ts";
import { excerptOf, membersOf } from "./observe-front.ts";
import {
  type Credentials,
  FOREIGN_SUBPROTOCOL,
  OWN_SUBPROTOCOL,
  type SocketSeen,
  type SocketsSeen,
} from "./observe-sockets.ts";
import type { Target } from "./target.ts";

type OpenSeen = Extract<SocketSeen, { readonly kind: "open" }>;

interface Place {
  readonly path: string;
  /** Whether credentials were shown there. */
  readonly isSignedIn: boolean;
}

/** Says what to think of a server's websockets. */
export function judgeSockets(
  seen: SocketsSeen,
  target: Target,
  { ticket, token }: Credentials,
): Finding[] {
  const login = { path: "/login", isSignedIn: ticket !== undefined };
  const protocol = { path: "/connection/websocket", isSignedIn: token !== undefined };
  const findings = joined(judgeSocket(seen.login, login), judgeSocket(seen.protocol, protocol));
  // Where no websocket opens at all, every other answer would say the same again.
  if (seen.login.kind !== "open" && seen.protocol.kind !== "open") return findings;
  return [
    ...findings,
    ...judgeArrival(seen.arrived, target),
    ...judgeSubprotocols(seen),
    ...judgeOrigins(seen),
  ];
}

/** What is wrong with both in the same way is said once. */
function joined(first: readonly Finding[], second: readonly Finding[]): Finding[] {
  const [one, other] = [first[0], second[0]];
  const isSame = (name: string) => one?.values[name] === other?.values[name];
  if (one === undefined || other === undefined || one.code !== other.code) {
    return [...first, ...second];
  }
  const isRefusal = one.code === "socket_refused" && isSame("status") && isSame("code");
  const isBlock = one.code === "socket_blocked" && isSame("status") && isSame("page");
  if (!isRefusal && !isBlock) return [...first, ...second];
  return [
    finding(one.code, { ...one.values, path: `${one.values["path"]}, ${other.values["path"]}` }),
  ];
}

function judgeSocket(seen: SocketSeen, place: Place): Finding[] {
  switch (seen.kind) {
    case "failed":
      return [finding("socket_failed", { path: place.path, reason: { word: seen.trouble } })];
    case "refused":
      return [refusal(seen.answer, place.path)];
    case "open":
      return judgeOpen(seen, place);
  }
}

/** Posthorn says itself what is wrong with a handshake; whoever else refuses one is in the way. */
function refusal(answer: Answer, path: string): Finding {
  const { status } = answer;
  if (!isPosthorn(answer))
    return finding("socket_blocked", { path, status, page: excerptOf(answer) });
  const { code, detail } = membersOf(answer) ?? {};
  return finding("socket_refused", {
    path,
    status,
    code: String(code),
    detail: String(detail ?? "-"),
    fix: fixOf(answer),
  });
}

function judgeOpen(seen: OpenSeen, { path, isSignedIn }: Place): Finding[] {
  const { first, tookMs, pongMs } = seen;
  const values: Values = { path, ms: Math.round(tookMs) };
  if (first === undefined || first.kind === "cut" || first.kind === "pong") {
    return [finding("socket_dumb", values)];
  }
  if (first.kind === "closed") {
    const { code, reason } = first;
    const said = { path, code, reason: reason || "-" };
    return [finding(isSignedIn ? "sign_in_refused" : "socket_turned_away", said)];
  }
  const error = errorIn(first.text);
  if (error !== undefined) {
    const said = { path, code: error.code, reason: error.message };
    return [finding(isSignedIn ? "sign_in_refused" : "socket_answered", said)];
  }
  return [
    finding(isSignedIn ? "signed_in" : "socket_greeted", values),
    pongMs === undefined
      ? finding("pong_missing", { path })
      : finding("pong_came", { path, ms: Math.round(pongMs) }),
  ];
}

function errorIn(text: string): { readonly code: number; readonly message: string } | undefined {
  const [line = ""] = text.split("\n");
  try {
    const { error } = JSON.parse(line);
    return error && { code: Number(error.code), message: String(error.message) };
  } catch {
    return undefined;
  }
}

/** Compares the headers that Posthorn got with those that were sent. */
function judgeArrival(arrived: SocketsSeen["arrived"], { host, authority }: Target): Finding[] {
  if (arrived === undefined) return [];
  const connection = arrived["connection"] ?? "";
  const isConnectionLost = !/(?:^|,)\s*upgrade\s*(?:,|$)/i.test(connection);
  const got = arrived["host"] ?? "";
  const bare = got.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  const isHostLost = bare.toLowerCase() !== host.toLowerCase();
  return [
    ...findingIf(isConnectionLost, "connection_lost", { got: connection || "-" }),
    ...findingIf(isHostLost, "host_lost", { got: got || "-", wanted: authority }),
    ...findingIf(!isConnectionLost && !isHostLost, "headers_kept"),
  ];
}

function judgeSubprotocols({ ownSubprotocol, foreignSubprotocol }: SocketsSeen): Finding[] {
  const own = ownSubprotocol.kind === "open" && ownSubprotocol.protocol === OWN_SUBPROTOCOL;
  const foreign = foreignSubprotocol.kind === "open" ? foreignSubprotocol.protocol : undefined;
  return [
    finding(own ? "subprotocol_kept" : "subprotocol_lost", { name: OWN_SUBPROTOCOL }),
    ...findingIf(
      foreign !== undefined || foreignSubprotocol.kind !== "open",
      "subprotocol_foreign",
      {
        name: FOREIGN_SUBPROTOCOL,
      },
    ),
  ];
}

function judgeOrigins({ foreignPage, miniProgram }: SocketsSeen): Finding[] {
  return [
    finding(foreignPage.kind === "open" ? "page_let_in" : "page_refused"),
    miniProgram.kind === "open"
      ? finding("mini_program_let_in")
      : finding("mini_program_refused", {
          status: miniProgram.kind === "refused" ? miniProgram.answer.status : "-",
        }),
  ];
}

/** Seconds after which things in front cut off what is silent, when nobody told them otherwise. */
const IDLE_DEFAULTS: readonly number[] = [60, 100, 300, 350, 900];
const IDLE_SLACK_SECONDS = 2;
/** And after which one cuts off every websocket, silent or not. */
const LIFE_DEFAULT_SECONDS = 30;

/** Says who let go of a socket on which only the heartbeat was to be heard. */
export function judgeHold({ heldMs, silentMs, heartbeats, end }: HoldSeen): Finding {
  const seconds = toSeconds(heldMs);
  const silence = toSeconds(silentMs);
  if (end === undefined) return finding("idle_kept", { seconds, heartbeats });
  if (end.kind === "closed") {
    return finding("idle_closed", { seconds, code: end.code, reason: end.reason || "-" });
  }
  return finding("idle_cut", { seconds, silence, whose: { word: whoseDefault(silence, seconds) } });
}

/** The word for whoever has a default like this. */
export function whoseDefault(silenceSeconds: number, lifeSeconds: number): string {
  const isNear = (wanted: number, got: number) => Math.abs(wanted - got) <= IDLE_SLACK_SECONDS;
  const idle = IDLE_DEFAULTS.find((wanted) => isNear(wanted, silenceSeconds));
  if (idle !== undefined) return `idle_${idle}`;
  return isNear(LIFE_DEFAULT_SECONDS, lifeSeconds) ? "life_30" : "idle_own";
}

function toSeconds(durationMs: number): number {
  return Math.round(durationMs / 100) / 10;
}
