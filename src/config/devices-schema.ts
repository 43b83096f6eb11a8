import { z } from "zod";
import { LIMITS } from "../core/limits.ts";
import { duration, flag, secretList } from "./fields.ts";

const SECOND_MS = 1000;
const HOUR_MS = 60 * 60 * SECOND_MS;
const DAY_MS = 24 * HOUR_MS;

/** Who holds one may fill the registry, so it must not be guessed. */
const FLEET_KEY = /^[\x21-\x7e]{16,}$/;

/** The terminals. */
export const Devices = z.strictObject({
  fleet_keys: secretList({
    wanted:
      "a list of texts of at least 16 characters without spaces, such as the output of: openssl rand -hex 24",
    description:
      "The keys with which terminals may register themselves (POST /v1/enroll); any of them will do, so that one can be replaced by another. Better set as POSTHORN_DEVICES__FLEET_KEYS. Without a key none may.",
    isRight: (key) => FLEET_KEY.test(key),
  }),
  online_ttl: duration({
    min: SECOND_MS,
    max: 7 * DAY_MS,
    fallback: LIMITS.deviceOnlineTtlMs,
    description:
      "How long a post keeps its device online that holds nothing open. After a restart every device that was online has as long to come back (at most limits.drain_spread and 20s), so keep it above limits.drain_spread.",
  }),
  offline_grace: duration({
    min: 0,
    max: HOUR_MS,
    fallback: LIMITS.deviceOfflineGraceMs,
    description:
      "How long a device may be away before it counts as offline. What is shorter, such as the gap between two polls, is told to nobody.",
  }),
  wake_interval: duration({
    min: SECOND_MS,
    max: DAY_MS,
    fallback: LIMITS.wakeIntervalMs,
    description: "How much time lies at least between two wake-ups of one device.",
  }),
  command_lease: duration({
    min: SECOND_MS,
    max: HOUR_MS,
    fallback: LIMITS.commandLeaseMs,
    description:
      "How long a device may take to acknowledge a command before it is delivered again.",
  }),
  require_certificate: flag(
    false,
    "Let devices in at server.devices_port only, where they have to show a certificate.",
  ),
});
