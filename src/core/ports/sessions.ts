/** Who somebody is that logged in some time ago. */
export interface Session {
  readonly user: string;
  /** In milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/**
 * Remembers for days who logged in, in a text that only its user keeps.
 *
 * The text MUST be of no use in place of a token, nor a token in place of it. No error MUST hold it or
 * a part of it.
 */
export interface Sessions {
  issue(user: string, login: string): Promise<Session & { readonly text: string }>;
  /** Throws `session_invalid` or `session_expired`: the user has to log in again. */
  verify(text: string): Promise<Session>;
}
