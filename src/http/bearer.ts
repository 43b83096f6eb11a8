/** The credential of an `Authorization: Bearer …` header (RFC 6750), or undefined when it is none. */
export function bearerOf(header: string | undefined | null): string | undefined {
  return header?.match(/^bearer +(\S+) *$/i)?.[1];
}
