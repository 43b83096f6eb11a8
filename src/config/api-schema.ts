import { z } from "zod";
import { secretList } from "./fields.ts";

/** Who holds a key may do everything the backend may, so a key must not be guessed. */
const KEY_MIN_CHARS = 16;

/** How the backend gets in. */
export const Api = z.strictObject({
  keys: secretList({
    wanted: `a list of texts of at least ${KEY_MIN_CHARS} characters without spaces, such as the output of: openssl rand -hex 24`,
    description:
      "The keys with which the backend may use /api; any of them will do, so that one can be replaced by another. Better set as POSTHORN_API__KEYS. Without a key nobody may use it.",
    isRight: (key) => key.length >= KEY_MIN_CHARS && /^[\x21-\x7e]+$/.test(key),
  }),
});
