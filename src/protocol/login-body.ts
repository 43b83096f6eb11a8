import { z } from "zod";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import { decodeBody } from "./json-body.ts";

/** What the login of a mini-program gave. */
export const LoginBody = z.strictObject({
  code: z
    .string()
    .min(1)
    .max(LIMITS.loginCodeMaxChars)
    .describe("As `wx.login` or `tt.login` gives it: good once, and for a few minutes"),
});

/** What an earlier login gave. */
export const SessionBody = z.strictObject({
  session: z
    .string()
    .min(1)
    .max(LIMITS.tokenMaxChars)
    .describe("The `session` of the answer to an earlier login"),
});

/** The code in `{code}`; throws `body_malformed` or `login_invalid`. */
export function decodeLoginBody(text: string): string {
  return decodeQuietly(LoginBody, text).code;
}

/** The session in `{session}`; throws `body_malformed` or `login_invalid`. */
export function decodeSessionBody(text: string): string {
  return decodeQuietly(SessionBody, text).session;
}

/** Of what is no JSON runtimes quote a part, which may be the secret itself, sent without what is around it. */
function decodeQuietly<Schema extends z.ZodType>(schema: Schema, text: string): z.infer<Schema> {
  try {
    return decodeBody(schema, text, "login_invalid");
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== "body_malformed") throw error;
    throw new Fault("body_malformed", { detail: "it is not JSON" });
  }
}
