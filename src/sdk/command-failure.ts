import type { CommandError, Status } from "./posthorn.d.ts";

/** Errors of the server start here; what is below is the connection's. */
const SERVER_ERRORS = 100;

/** What a call that brought no answer is rejected with. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly temporary?: boolean;
}

/** A command that brought no answer. */
export class CommandFailure extends Error implements CommandError {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "CommandError";
    this.code = code;
  }
}

/** Whether the server said no, and would say it again. */
export function isRefusal({ code, temporary }: RpcError): boolean {
  return code >= SERVER_ERRORS && temporary !== true;
}

/** Why nothing can be sent as things are; undefined while it can, now or when there is a connection. */
export function whyUnsendable({ state, problem }: Status): CommandFailure | undefined {
  if (state === "closed") return closedFailure();
  if (state !== "stopped") return undefined;
  const isSignedOut = problem !== undefined && problem.cause === "signed_out";
  const why = isSignedOut
    ? "nobody is signed in"
    : `the connection is stopped${problem === undefined ? "" : `: ${problem.text}`}`;
  return new CommandFailure(
    isSignedOut ? "signed_out" : "stopped",
    `Cannot send a command: ${why}`,
  );
}

/** Said by close() of every command that waits. */
export function closedFailure(): CommandFailure {
  return new CommandFailure("closed", "Cannot send a command: close() was called");
}
