import { z } from "zod";
import { parseGlob } from "../core/glob.ts";
import { flag, textList } from "./fields.ts";

/** An origin has no path; in a pattern its scheme and its name may hold wildcards. */
const ORIGIN_PATTERN = /^(?:\*|null|[^/\s]+:\/\/[^/\s]+)$/;

/** Who may connect, whatever carries the connection. */
export const Clients = z.strictObject({
  allowed_origins: textList({
    wanted:
      'a list of origins without a path, such as ["https://app.example.com", "https://*.example.net"]',
    description:
      "Pages of other origins that may connect; * stands for anything. Programs, mini-programs and pages of this server's own host always may.",
    isRight: isOriginPattern,
  }),
  user_channel: flag(
    false,
    "Subscribe every signed-in client to the channel of its user, #<user>, without its asking.",
  ),
  insecure: flag(
    false,
    "Let everyone connect, also without a token, and do everything in every channel. Only for test suites, on a loopback address: whoever reaches the server may read and write all there is.",
  ),
});

function isOriginPattern(pattern: string): boolean {
  try {
    parseGlob(pattern);
    return ORIGIN_PATTERN.test(pattern);
  } catch {
    return false; // the pattern itself is told to whoever wrote it
  }
}
