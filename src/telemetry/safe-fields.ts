const TEXT_MAX_CHARS = 1_000;
const STACK_MAX_CHARS = 3_000;

const SECRET_NAMES =
  /^(authorization|cookie|js_code|key|password|secret|session|session_key|ticket|token)$/i;

/** Whether a field of this name may hold what nobody may read; the last guard, not the first. */
export function isSecretName(name: string): boolean {
  return SECRET_NAMES.test(name);
}

/** The text, cut so that one line stays one bounded line. */
export function clip(text: string, maxChars = TEXT_MAX_CHARS): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars)}… (${text.length} characters)`;
}

/** An error as plain data, with its causes. */
export function describeError(error: Error): Record<string, unknown> {
  return {
    name: error.name,
    message: clip(error.message),
    stack: clip(error.stack ?? "", STACK_MAX_CHARS),
    ...(error.cause instanceof Error && { cause: describeCause(error.cause) }),
  };
}

function describeCause(cause: Error): string {
  return clip(`${cause.name}: ${cause.message}`);
}
