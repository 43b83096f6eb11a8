import { z } from "zod";
import { flag, secretList } from "./fields.ts";

/** Who holds one sees how busy the server is, and no more; still nobody should guess it. */
const KEY_MIN_CHARS = 16;

/** Who may read /metrics. */
export const Metrics = z.strictObject({
  keys: secretList({
    wanted: `a list of texts of at least ${KEY_MIN_CHARS} characters without spaces, such as the output of: openssl rand -hex 24`,
    description:
      "The keys with which Prometheus may read /metrics, as a bearer credential; any of them will do. Better set as POSTHORN_METRICS__KEYS. Keys of the backend do not open it.",
    isRight: (key) => key.length >= KEY_MIN_CHARS && /^[\x21-\x7e]+$/.test(key),
  }),
  local: flag(
    true,
    "Let whoever asks from this machine itself read it without a key. Who comes through a proxy does not count as that, if the proxy says for whom it asks or server.trusted_proxies lists it.",
  ),
  public: flag(
    false,
    "Let everyone read it. It holds no id and no secret, but tells how many clients and devices there are.",
  ),
});
