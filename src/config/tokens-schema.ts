import { z } from "zod";
import { flag, optionalSecret, optionalText, text, unmet } from "./fields.ts";
import { isPath, isWebUrl } from "./text-rules.ts";

/** As RFC 7518 §3.2 wants of HS256. */
export const SECRET_MIN_CHARS = 32;
const SECRET_WANTED = `a text of at least ${SECRET_MIN_CHARS} characters, such as the output of: openssl rand -base64 48`;

/** Claims that mean something else already. */
const TAKEN_CLAIMS = new Set([
  ...["aud", "exp", "iat", "iss", "jti", "nbf", "expire_at"],
  ...["channel", "channels", "subs", "devices", "commands", "client"],
  ...["info", "b64info", "data", "b64data", "meta", "override"],
]);

const fields = {
  secret: tokenSecret(
    "The secret that signs tokens (HS256, HS384, HS512), shared with the backend that makes them. Better set as POSTHORN_TOKENS__SECRET. Without it and without a key below no token is accepted.",
  ),
  previous_secret: tokenSecret(
    "The secret before the current one: tokens signed with it are still accepted. Set it while you change secrets.",
  ),
  allow_short_secret: flag(
    false,
    "Accept secrets that are shorter than that and can be guessed. Only for test suites that bring their own.",
  ),
  rsa_public_key: optionalText({
    wanted: "the path of a PEM file",
    description:
      "The public key, or the certificate, of tokens signed with RSA (RS256, RS384, RS512). At least 2048 bits.",
    isRight: isPath,
  }),
  ecdsa_public_key: optionalText({
    wanted: "the path of a PEM file",
    description:
      "The public key, or the certificate, of tokens signed with ECDSA. Its curve decides: P-256 is for ES256, P-384 for ES384, P-521 for ES512.",
    isRight: isPath,
  }),
  jwks_url: optionalText({
    wanted: 'an http or https URL, such as "https://login.example.com/.well-known/jwks.json"',
    description:
      "Where the public keys of tokens are published (JWKS; RS…, ES… and EdDSA). Use https: who can change the answer can make tokens. New keys are found by themselves.",
    isRight: isWebUrl,
  }),
  audience: optionalText({
    wanted: "a text that is not empty",
    description:
      "What the claim aud of every token must be or hold. Without it aud is not looked at.",
    isRight: (audience) => audience !== "",
  }),
  issuer: optionalText({
    wanted: "a text that is not empty",
    description: "What the claim iss of every token must be. Without it iss is not looked at.",
    isRight: (issuer) => issuer !== "",
  }),
  user_claim: text("sub", {
    wanted: "the name of a claim that has no other meaning, of a-z A-Z 0-9 _ with a letter first",
    description: "The claim that names the user.",
    isRight: (claim) => /^[A-Za-z]\w*$/.test(claim) && !TAKEN_CLAIMS.has(claim),
  }),
} as const;

/** How tokens are checked, and the rules between these keys. */
export const Tokens = z.strictObject(fields).superRefine((tokens, { addIssue }) => {
  const { secret, previous_secret, allow_short_secret } = tokens;
  if (previous_secret !== undefined && secret === undefined) {
    addIssue(unmet("secret", "the current secret beside tokens.previous_secret"));
  }
  for (const [key, value] of Object.entries({ secret, previous_secret })) {
    const isShort = value !== undefined && value.length < SECRET_MIN_CHARS;
    if (isShort && !allow_short_secret) addIssue(unmet(key, SECRET_WANTED));
    // Everyone has the public key: as a secret it would let everyone make tokens.
    if (value?.includes("-----BEGIN")) {
      addIssue(unmet(key, "a secret; the path of a key belongs to another key of tokens"));
    }
  }
});

function tokenSecret(description: string) {
  return optionalSecret({ wanted: SECRET_WANTED, description, isRight: (it) => it !== "" });
}
