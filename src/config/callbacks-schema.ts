import { z } from "zod";
import { LIMITS } from "../core/limits.ts";
import { duration, optionalSecret, optionalText, textList, unmet } from "./fields.ts";
import { isWebUrl } from "./text-rules.ts";

/** These belong to the request we make ourselves, or to one connection only. */
const OWN_HEADERS = new Set([
  ...["accept", "accept-encoding", "connection", "content-encoding", "content-length"],
  ...["content-type", "expect", "host", "http2-settings", "keep-alive", "te", "trailer"],
  ...["transfer-encoding", "upgrade"],
]);

/** Header values as every server takes them. */
const HEADER_VALUE_PATTERN = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

const fields = {
  connect: callback("whether a client without a token may connect, and as whom"),
  refresh: callback(
    "whether a connection may go on when its time is over. Clients then need not refresh",
  ),
  subscribe: callback("whether a client may subscribe, in namespaces that say so"),
  publish: callback("whether a client may publish and what, in namespaces that say so"),
  rpc: callback("what a client calls by rpc, as far as Posthorn has no such method itself"),
  timeout: duration({
    min: 50,
    max: 60_000,
    fallback: LIMITS.backendTimeoutMs,
    description: "How long the backend may take to answer. A client is told to try again then.",
  }),
  headers: textList({
    wanted:
      'a list of names of a-z A-Z 0-9 and -, such as ["Cookie", "X-Real-IP"], without those of the request itself, such as Host',
    description:
      "Headers of the client's handshake to pass on. Clients may also make them up, so only trust what a proxy sets. A name with an underscore would not pass nginx, and is not taken.",
    isRight: (name) => /^[A-Za-z0-9-]{1,128}$/.test(name) && !OWN_HEADERS.has(name.toLowerCase()),
  }),
  authorization: optionalSecret({
    wanted: "the value of a header, in printable ASCII",
    description:
      "The Authorization header of every request, so that the backend can tell who asks. Better set as POSTHORN_CALLBACKS__AUTHORIZATION.",
    isRight: (value) => HEADER_VALUE_PATTERN.test(value),
  }),
} as const;

/** What the operator's backend is asked, and the rules between these keys. */
export const Callbacks = z
  .strictObject(fields)
  .superRefine(({ headers, authorization }, { addIssue }) => {
    const forwards = headers.some((name) => name.toLowerCase() === "authorization");
    if (forwards && authorization !== undefined) {
      addIssue(unmet("headers", "no Authorization beside callbacks.authorization"));
    }
  });

function callback(what: string) {
  return optionalText({
    wanted: 'an http or https URL, such as "https://backend.example.com/posthorn/connect"',
    description: `Ask the backend ${what}.`,
    isRight: isWebUrl,
  });
}
