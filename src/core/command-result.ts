import { Fault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import { utf8Length } from "./utf8-length.ts";

/** How a device says a command ended. */
export type CommandResult =
  | {
      readonly ok: true;
      /** JSON text on one line. Absent: the device has nothing to tell. */
      readonly data?: string | undefined;
    }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } };

/** A result as it is stored and passed on. */
export interface EncodedResult {
  readonly ok: boolean;
  /** JSON text: `{"ok":true,"data":…}` or `{"ok":false,"error":{"code":…,"message":…}}`. */
  readonly text: string;
}

/** The error code of a result that no device sent: it acknowledged the command and was never heard of again. */
const RESULT_MISSING = "result_missing";

/** Likewise: it was delivered as often as its sender allows, and never acknowledged. */
const ATTEMPTS_EXHAUSTED = "attempts_exhausted";

/** The JSON text of a result with its data spliced in, or throws `result_invalid`. */
export function encodeResult(result: CommandResult): EncodedResult {
  if (result.ok) {
    const { data } = result;
    if (data === undefined) return { ok: true, text: '{"ok":true}' };
    checkBytes(data);
    return { ok: true, text: `{"ok":true,"data":${data}}` };
  }
  const { code, message } = result.error;
  checkLength("error code", code, LIMITS.resultCodeMaxChars);
  checkLength("error message", message, LIMITS.resultMessageMaxChars);
  return { ok: false, text: JSON.stringify({ ok: false, error: { code, message } }) };
}

/** What stands in for the result that never came. */
export function missingResult(): EncodedResult {
  const message = "The device acknowledged the command and sent no result in time";
  return encodeResult({ ok: false, error: { code: RESULT_MISSING, message } });
}

function checkBytes(data: string): void {
  const bytes = utf8Length(data);
  if (bytes <= LIMITS.eventMaxBytes) return;
  const detail = `got ${bytes} bytes of data, at most ${LIMITS.eventMaxBytes} are allowed`;
  throw new Fault("result_invalid", { detail });
}

/** What stands in for the result of a command that its device never acknowledged, however often it got it. */
export function exhaustedResult(attempts: number): EncodedResult {
  const message = `The device acknowledged none of ${attempts} deliveries`;
  return encodeResult({ ok: false, error: { code: ATTEMPTS_EXHAUSTED, message } });
}

function checkLength(what: string, text: string, maxChars: number): void {
  if (text.length <= maxChars) return;
  const detail = `got ${text.length} characters of ${what}, at most ${maxChars} are allowed`;
  throw new Fault("result_invalid", { detail });
}
