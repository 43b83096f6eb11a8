import { z } from "zod";
import { flag, secretList, unmetItem } from "./fields.ts";

/** Who holds a key may do everything the backend may, so a key must not be guessed. */
const KEY_MIN_CHARS = 16;
const KEYS_WANTED = `a list of texts of at least ${KEY_MIN_CHARS} characters without spaces, such as the output of: openssl rand -hex 24`;

const fields = {
  keys: secretList({
    wanted: KEYS_WANTED,
    description:
      "The keys with which the backend may use /api; any of them will do, so that one can be replaced by another. Better set as POSTHORN_API__KEYS. Without a key nobody may use it.",
    isRight: (key) => /^[\x21-\x7e]+$/.test(key),
  }),
  allow_short_keys: flag(
    false,
    "Accept keys that are shorter than that and can be guessed. Only for test suites that bring their own.",
  ),
} as const;

/** How the backend gets in. */
export const Api = z
  .strictObject(fields)
  .superRefine(({ keys, allow_short_keys }, { addIssue }) => {
    const short = keys.findIndex((key) => key.length < KEY_MIN_CHARS);
    if (short >= 0 && !allow_short_keys) addIssue(unmetItem("keys", short, KEYS_WANTED));
  });
