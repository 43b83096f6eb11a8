/**
 * The JSON text that `base64` stands for, on one line or many as it was written. Throws a
 * `SyntaxError` when it is no base64, no UTF-8 or no JSON: bytes that are no text would otherwise
 * become other text, and be stored as such.
 */
export function decodeBase64Json(base64: string): string {
  const text = textOf(Uint8Array.fromBase64(base64));
  JSON.parse(text);
  return text;
}

/** The one strict decoder of UTF-8 that the language itself has. */
function textOf(bytes: Uint8Array): string {
  try {
    return decodeURIComponent(bytes.toHex().replace(/../g, "%$&"));
  } catch (cause) {
    throw new SyntaxError("Cannot decode base64: it holds no UTF-8", { cause });
  }
}
