import type { CommandError } from "./posthorn.d.ts";

/** A command that brought no answer. */
export class CommandFailure extends Error implements CommandError {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "CommandError";
    this.code = code;
  }
}
