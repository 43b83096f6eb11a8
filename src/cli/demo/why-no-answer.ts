interface Reason {
  /** What Bun calls it by code, or Deno in words. */
  readonly found: RegExp;
  readonly why: (url: URL) => string;
}

const QUOTED_MAX_CHARS = 200;

/** Looked through in this order. */
const REASONS: readonly Reason[] = [
  {
    found: /CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)|invalid peer certificate/,
    why: () =>
      "has a certificate that is not trusted here; where its authority is your own, name the authority's file in the environment: NODE_EXTRA_CA_CERTS=ca.pem",
  },
  {
    found: /EPROTO|ERR_SSL|TLS handshake|corrupt message/,
    why: ({ host }) => `speaks no TLS on this port; perhaps it is http://${host}`,
  },
  {
    found: /ENOTFOUND|EAI_|dns error|failed to lookup/,
    why: ({ hostname }) => `is not found: there is no host ${hostname}`,
  },
  {
    found: /ECONNREFUSED|connection refused/i,
    why: ({ host }) => `does not listen at ${host}`,
  },
  {
    found: /ECONNRESET|connection closed before|connection reset|invalid HTTP version/i,
    why: ({ protocol, host }) =>
      protocol === "http:"
        ? `hung up; perhaps it wants TLS: https://${host}`
        : "hung up before it answered",
  },
];

/** Why a request came to nothing, to complete the sentence "the server …". */
export function whyNoAnswer(cause: unknown, url: string): string {
  const said = wordsOf(cause);
  const reason = REASONS.find(({ found }) => found.test(said));
  if (reason !== undefined) return reason.why(new URL(url));
  const shown = said.slice(0, QUOTED_MAX_CHARS).toWellFormed();
  return `gave no answer${shown === "" ? "" : ` (${shown})`}`;
}

/** Bun has a code; with Deno the reason is the text of the cause's cause. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  const { code } = error as { readonly code?: unknown };
  const own = `${typeof code === "string" ? `${code}: ` : ""}${error.message}`;
  const below = wordsOf(error.cause);
  return below === "" ? own : `${own}: ${below}`;
}
