import type { WebAnswer, WebRequest } from "./web-client.ts";

/** What came of it. */
export type CourierAnswer =
  | {
      readonly ok: true;
      readonly status: number;
      /** By any spelling of its name; undefined when the answer does not have it. */
      readonly header: (name: string) => string | undefined;
      /** As much of the body as came in time and within `answerMaxBytes`; what is no UTF-8 in it is replaced. */
      readonly text: string;
    }
  | Extract<WebAnswer, { readonly ok: false }>;

/**
 * Carries something to another server whose status says what became of it.
 *
 * Unlike `WebClient` it takes every status for an answer, also a redirect (which it MUST NOT follow)
 * and one whose body is too long, breaks off or is no text: the other side has decided by then. It
 * MUST NOT wait longer than `timeoutMs`, MUST NOT hold more than `answerMaxBytes`, and MUST NOT
 * reject for what the other side or the network does. Nothing is retried.
 */
export interface Courier {
  send(request: WebRequest): Promise<CourierAnswer>;
}
