import type { Command } from "../protocol/client-frame.ts";
import { DISCONNECT, type Disconnect } from "../protocol/codes.ts";

/** Where one client's connection is in its life. */
export type SessionState =
  /** Nothing but a connect command is welcome. */
  | { readonly at: "greeting" }
  /** Its credentials are being checked. */
  | { readonly at: "connecting" }
  | { readonly at: "open"; readonly pingsUnanswered: number; readonly pong: PongRule }
  /** Its connect got an error reply; it is expected to leave. */
  | { readonly at: "refused" }
  | { readonly at: "closed" };

/**
 * "required": each ping must be answered by a pong frame of the protocol. "any": whatever arrives
 * proves life. "none": nothing can arrive, only the transport can tell that the client is gone.
 */
export type PongRule = "required" | "any" | "none";

export type SessionInput =
  | { readonly type: "command"; readonly command: Command }
  | { readonly type: "pong" }
  /** Anything else that arrived: a text frame, or a websocket pong frame. */
  | { readonly type: "sign_of_life" }
  | { readonly type: "admitted"; readonly pong: PongRule }
  | { readonly type: "refused" }
  | { readonly type: "malformed" }
  | { readonly type: "greeting_overdue" }
  | { readonly type: "ping_due" }
  | { readonly type: "pong_overdue" }
  | { readonly type: "ended"; readonly disconnect: Disconnect }
  | { readonly type: "lost" };

export type SessionEffect =
  | { readonly do: "admit"; readonly command: Command & { readonly method: "connect" } }
  | { readonly do: "run"; readonly command: Command }
  | { readonly do: "ping" }
  | { readonly do: "close"; readonly disconnect: Disconnect };

export type Step = readonly [SessionState, readonly SessionEffect[]];

const CLOSED: SessionState = { at: "closed" };

/** Decides what one input means for one connection. Pure: no socket, clock or log. */
export function step(state: SessionState, input: SessionInput): Step {
  return state.at === "closed" ? [state, []] : stepLiving(state, input);
}

type LivingState = Exclude<SessionState, { at: "closed" }>;

function stepLiving(state: LivingState, input: SessionInput): Step {
  if (input.type === "lost") return [CLOSED, []];
  if (input.type === "ended") return close(input.disconnect);
  if (input.type === "malformed") return close(DISCONNECT.badRequest);
  switch (state.at) {
    case "greeting":
      return stepGreeting(state, input);
    case "connecting":
      return stepConnecting(state, input);
    case "open":
      return stepOpen(state, input);
    case "refused":
      return stepRefused(state, input);
  }
}

type OrdinaryInput = Exclude<SessionInput, { type: "ended" | "lost" | "malformed" }>;
type OpenState = Extract<SessionState, { at: "open" }>;

function stepGreeting(state: SessionState, input: OrdinaryInput): Step {
  switch (input.type) {
    case "command":
      if (input.command.method !== "connect") return close(DISCONNECT.badRequest);
      return [{ at: "connecting" }, [{ do: "admit", command: input.command }]];
    case "admitted":
      return [{ at: "open", pingsUnanswered: 0, pong: input.pong }, []];
    case "pong":
      return close(DISCONNECT.badRequest);
    case "greeting_overdue":
      return close(DISCONNECT.stale);
    case "refused":
    case "sign_of_life":
    case "ping_due":
    case "pong_overdue":
      return [state, []];
  }
}

function stepConnecting(state: SessionState, input: OrdinaryInput): Step {
  switch (input.type) {
    case "admitted":
      return [{ at: "open", pingsUnanswered: 0, pong: input.pong }, []];
    case "refused":
      return [{ at: "refused" }, []];
    case "command":
    case "pong":
      return close(DISCONNECT.badRequest);
    // Its greeting came: what takes long now is ours.
    case "greeting_overdue":
    case "sign_of_life":
    case "ping_due":
    case "pong_overdue":
      return [state, []];
  }
}

function stepOpen(state: OpenState, input: OrdinaryInput): Step {
  switch (input.type) {
    case "command":
      if (input.command.method === "connect") return close(DISCONNECT.badRequest);
      return [alive(state), [{ do: "run", command: input.command }]];
    case "pong":
      return stepPong(state);
    case "sign_of_life":
      return [alive(state), []];
    case "ping_due":
      return [{ ...state, pingsUnanswered: state.pingsUnanswered + 1 }, [{ do: "ping" }]];
    case "pong_overdue":
      return isOverdue(state) ? close(DISCONNECT.noPong) : [state, []];
    case "admitted":
    case "refused":
    case "greeting_overdue":
      return [state, []];
  }
}

/** A pong that nobody asked for is a protocol error where pongs are counted. */
function stepPong(state: OpenState): Step {
  if (state.pong !== "required") return [alive(state), []];
  if (state.pingsUnanswered === 0) return close(DISCONNECT.badRequest);
  return [{ ...state, pingsUnanswered: 0 }, []];
}

function stepRefused(state: SessionState, input: OrdinaryInput): Step {
  switch (input.type) {
    case "command":
    case "pong":
      return close(DISCONNECT.badRequest);
    case "greeting_overdue":
      return close(DISCONNECT.stale);
    case "admitted":
    case "refused":
    case "sign_of_life":
    case "ping_due":
    case "pong_overdue":
      return [state, []];
  }
}

function isOverdue({ pong, pingsUnanswered }: OpenState): boolean {
  return pong !== "none" && pingsUnanswered > 0;
}

function alive(state: OpenState): OpenState {
  return state.pong === "any" ? { ...state, pingsUnanswered: 0 } : state;
}

function close(disconnect: Disconnect): Step {
  return [CLOSED, [{ do: "close", disconnect }]];
}
