import { z } from "zod";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import { rawAt, rawElements } from "../core/raw-json.ts";
import { API_METHODS, checkRequest, parseObject } from "./server-api.ts";

/** A call that travels with others, not decoded yet. */
export interface EnclosedCall {
  /** Echoed in the reply; 0 is none. */
  readonly id: number;
  /** "" when the command names none that is known. */
  readonly method: string;
  /** JSON text. */
  readonly request: string;
}

export interface Batch {
  readonly commands: readonly EnclosedCall[];
  readonly parallel: boolean;
}

const CommandId = z.int().min(0).max(0xffff_ffff).default(0).catch(0);

/** The body of `POST /api/batch`. */
export const BatchBody = z.object({
  commands: z
    .array(z.record(z.string(), z.unknown()))
    .max(LIMITS.apiCommandsPerBatch)
    .nullish()
    .transform((commands) => commands ?? [])
    .describe('Each has one member: a method with its request, as `{"publish":{…}}`'),
  parallel: z.boolean().describe("They may run in any order, many at a time").nullish(),
});

/** Decodes `{"commands":[{"publish":{…}}],"parallel":true}`, or throws. */
export function decodeBatch(text: string): Batch {
  const { commands, parallel } = checkRequest(BatchBody, parseObject(text));
  const texts = rawElements(rawAt(text, ["commands"]) ?? "[]");
  return {
    commands: commands.map((command, index) => {
      const method = API_METHODS.find((name) => command[name] != null) ?? "";
      const request = objectAt(texts[index] ?? "{}", method);
      return { id: CommandId.parse(command["id"]), method, request };
    }),
    parallel: parallel ?? false,
  };
}

/**
 * Decodes the commands of the form that older backends use: objects `{"method","params"}`, one or
 * one per line. Throws `body_malformed` for all when one is no object.
 */
export function decodeLegacyCommands(text: string): EnclosedCall[] {
  const texts = isObject(text) ? [text] : text.split("\n").filter((line) => line.trim() !== "");
  if (texts.length === 0) throw new Fault("body_malformed", { detail: "it is empty" });
  if (texts.length > LIMITS.apiCommandsPerBatch) {
    const detail = `got ${texts.length} commands, at most ${LIMITS.apiCommandsPerBatch} are allowed`;
    throw new Fault("body_malformed", { detail });
  }
  return texts.map((command) => {
    const { id, method } = parseObject(command);
    return {
      id: CommandId.parse(id),
      method: typeof method === "string" ? method : "",
      request: objectAt(command, "params"),
    };
  });
}

/** The text of a member; what is null or absent stands for a request without fields. */
function objectAt(text: string, name: string): string {
  const member = rawAt(text, [name]) ?? "null";
  return member === "null" ? "{}" : member;
}

function isObject(text: string): boolean {
  try {
    parseObject(text);
    return true;
  } catch {
    // Several lines are no JSON; whatever else is wrong shows line by line.
    return false;
  }
}
