import type { CommandError, Status } from "./posthorn.d.ts";

/** A command that brought no answer. */
export class CommandFailure extends Error implements CommandError {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "CommandError";
    this.code = code;
  }
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
