/** What our own SDK calls itself, which is all that tells where a client runs. */
const PLATFORMS: ReadonlySet<string> = new Set([
  "alipay",
  "browser",
  "douyin",
  "taro",
  "uni-app",
  "wx",
]);

const SDK_PREFIX = "posthorn-";

/** The platform by the name that a client gave itself; a few words only, for anybody may say anything. */
export function platformOf(name: string | undefined): string {
  if (name === undefined || name === "") return "unknown";
  const platform = name.startsWith(SDK_PREFIX) ? name.slice(SDK_PREFIX.length) : "";
  return PLATFORMS.has(platform) ? platform : "other";
}
