/** One request to someone else's server. */
export interface WebRequest {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** PEM text: authorities that may vouch for the other side, though the machine knows none of them. */
  readonly ca?: string;
  /** From the call to the last byte of the answer. */
  readonly timeoutMs: number;
  /** After any decompression. */
  readonly answerMaxBytes: number;
}

/** What came of it. */
export type WebAnswer =
  | { readonly ok: true; readonly status: number; readonly text: string }
  | {
      readonly ok: false;
      /** Completes the sentence "it …". Holds neither the URL nor anything that was sent. */
      readonly why: string;
      readonly cause?: unknown;
    };

/**
 * Asks other servers over HTTP.
 *
 * `send` never rejects for what the other side or the network does: every status is an answer, and
 * all else is told in words. It MUST NOT follow redirects, MUST NOT wait longer than `timeoutMs` and
 * MUST NOT hold more than `answerMaxBytes` of an answer. Nothing is retried.
 */
export interface WebClient {
  send(request: WebRequest): Promise<WebAnswer>;
}
