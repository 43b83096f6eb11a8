import { Buffer } from "node:buffer";
import { type KeyObject, verify } from "node:crypto";
import { z } from "zod";
import type { LoginOutcome } from "../core/ports/login-provider.ts";
import type { WebAnswer } from "../core/ports/web-client.ts";
import { rawMembers } from "../core/raw-json.ts";
import { readAnswer } from "./answer.ts";
import { OptionalPlatformId, stoppedOrOdd } from "./mini-program.ts";

/** What is wanted of an answer. */
export interface WantedAnswer {
  /** `userid` is what apps have that Alipay knew before it had openids: 2088 and twelve digits. */
  readonly user: "openid" | "unionid" | "userid";
  /** Alipay's own, with which every answer has to be signed that names a user. */
  readonly key?: KeyObject;
}

const NODE = "alipay_system_oauth_token_response";

/** The tokens are not even read: nobody here needs them. */
const Result = z.object({
  code: z.string().default(""),
  sub_code: z.string().default(""),
  open_id: OptionalPlatformId,
  union_id: OptionalPlatformId,
  user_id: OptionalPlatformId,
});

type Result = z.infer<typeof Result>;

/** An error comes under either name. */
const Answer = z.union([
  z.object({ error_response: Result }),
  z.object({ [NODE]: Result, sign: z.string().default("") }),
]);

/** What an answer without an error may say, or may leave out. */
const SUCCESS: ReadonlySet<string> = new Set(["", "10000"]);

const ID_OF = { openid: "open_id", unionid: "union_id", userid: "user_id" } as const;

/** The bound of all calls of an app, and errors of their own: both are over in a moment. */
const BUSY: ReadonlySet<string> = new Set(["20000", "40005"]);
const OF_THEIR_OWN = "isp.";

/** What the code brings about, which is all that a user can choose in a question. */
const BAD_CODES: ReadonlySet<string> = new Set([
  "code-invalid",
  "invalid-parameter",
  "suspected-attack",
]);

const NO_KEY = "has no public key of this app";
const CERTIFICATES = "wants certificates of this app, which is to be set to public keys";

/** What only an operator can put right, without the `isv.` that some of them have in front. */
const STOPS: ReadonlyMap<string, string> = new Map([
  ["invalid-app-id", "does not know the app id, or not as that of the code"],
  ["not-online-app", "does not serve this app before its release"],
  ["invalid-signature", "does not accept private_key for this app"],
  ["missing-signature-config", NO_KEY],
  ["missing-signature-key", NO_KEY],
  ["invalid-timestamp", "does not accept the time of this machine's clock"],
  ["forbidden-api", "does not let this app log users in"],
  ["access-forbidden", "does not let this app log users in"],
  ["ip-forbidden", "does not let this machine's address in"],
  ["app-cert-expired", CERTIFICATES],
  ["missing-app-cert-sn", CERTIFICATES],
  ["missing-alipay-root-cert-sn", CERTIFICATES],
]);

/** The same where only the first number says it. */
const STOPS_BY_CODE: ReadonlyMap<string, string> = new Map([
  ["20001", "does not let this app act for its owner"],
  ["40003", "misses something of this app"],
  ["40006", "does not let this app log users in"],
]);

/** Reads what Alipay says of a code. */
export function outcomeOf(answer: WebAnswer, { user, key }: WantedAnswer): LoginOutcome {
  const read = readAnswer(Answer, answer);
  if ("failure" in read) return read.failure;
  if ("error_response" in read.body) return failureOf(read.body.error_response);
  const result = read.body[NODE];
  if (!SUCCESS.has(result.code)) return failureOf(result);
  // Errors need no signature: all that they can do is let nobody in.
  if (key !== undefined && !isSigned(answer, read.body.sign, key)) {
    return { outcome: "stopped", why: "answered without a signature that fits alipay_public_key" };
  }
  const id = result[ID_OF[user]];
  return id === undefined ? idMissing(result, user) : { outcome: "known", id };
}

/** What is signed is the text of the member as it was sent, not what it means. */
function isSigned(answer: WebAnswer, signature: string, key: KeyObject): boolean {
  const text = answer.ok ? rawMembers(answer.text).get(NODE) : undefined;
  if (text === undefined) return false;
  return verify("sha256", Buffer.from(text), key, Buffer.from(signature, "base64"));
}

/** Another id in its place would be another user as soon as Alipay sends the wanted one. */
function idMissing(result: Result, user: WantedAnswer["user"]): LoginOutcome {
  const others = Object.entries(ID_OF).filter(([, name]) => result[name] !== undefined);
  if (others.length === 0) return { outcome: "odd", why: "answered without any id of a user" };
  const found = others.map(([word]) => JSON.stringify(word)).join(" or ");
  const why = `answered without ${ID_OF[user]}, as an app for which user has to be ${found}`;
  return { outcome: "stopped", why };
}

function failureOf({ code, sub_code }: Result): LoginOutcome {
  const why = `answered with code ${quotable(code)}, sub_code ${quotable(sub_code)}`;
  const name = sub_code.replace(/^isv\./, "");
  if (BUSY.has(code) || sub_code.startsWith(OF_THEIR_OWN)) return { outcome: "busy", why };
  if (BAD_CODES.has(name)) return { outcome: "refused", reason: "code_invalid", why };
  return stoppedOrOdd(STOPS.get(name) ?? STOPS_BY_CODE.get(code), why);
}

/** The text beside them is theirs and may hold anything. */
function quotable(word: string): string {
  return /^[\w.-]{1,64}$/.test(word) ? word : "unknown";
}
