import { createHash } from "node:crypto";
import page from "./page.html" with { type: "text" };

/** The page, embedded as text so that one file is the whole product. */
const html = asText(page);

/** What `/console` answers. The policy allows the page's own script and style, and nothing else. */
export const consolePage = {
  html,
  contentSecurityPolicy: [
    "default-src 'none'",
    "connect-src 'self'",
    `script-src '${hashOf("script")}'`,
    `style-src '${hashOf("style")}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
} as const;

/** The hash by which a policy allows one inline element (CSP 3 §2.3.1). */
function hashOf(element: "script" | "style"): string {
  const content = html.match(new RegExp(`<${element}[^>]*>([\\s\\S]*?)</${element}>`))?.[1] ?? "";
  return `sha256-${createHash("sha256").update(content).digest("base64")}`;
}

/** Bun's types call any HTML import a bundle; with `type: "text"` it is text. */
function asText(asset: unknown): string {
  if (typeof asset === "string") return asset;
  throw new TypeError("Cannot embed console page: the import is not text");
}
