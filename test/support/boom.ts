/** What an injected bug says: nobody outside may ever read it. */
export const BOOM = "boom-canary-in-the-code";

/** The text that makes one place throw. */
export function boomAt(place: string): string {
  return `boom-at-${place}`;
}

/** A text of this length on /login makes the message handler throw. */
export const BOOM_CHARS = 666;

/** A client that closes with this code makes the close handler throw. */
export const BOOM_CODE = 3998;
