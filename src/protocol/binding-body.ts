import { z } from "zod";
import { Fault } from "../core/faults.ts";
import { checkCommandPattern } from "../core/grants.ts";
import { LIMITS } from "../core/limits.ts";
import { decodeBody } from "./json-body.ts";
import { Printable } from "./key-text.ts";

const CommandPattern = Printable.min(1).superRefine((pattern, context) => {
  try {
    checkCommandPattern(pattern);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    context.addIssue({
      code: "custom",
      message: `wanted a pattern (${error.detail ?? error.title})`,
    });
  }
});

/** The body of `PUT /v1/users/{user}/devices/{id}`, which may be left out. */
export const BindingBody = z.strictObject({
  commands: z
    .array(CommandPattern)
    .max(LIMITS.commandPatternsMax)
    .meta({
      description: "Patterns of the types of commands that the user may send; none is looking only",
      examples: [["open", "light.*"]],
    })
    .default(["*"]),
});

/** Decodes what a user may send a device, each pattern once, or throws `binding_invalid`. */
export function decodeBinding(text: string): readonly string[] {
  const body = text.trim() === "" ? "{}" : text;
  return [...new Set(decodeBody(BindingBody, body, "binding_invalid").commands)];
}
