import { createHash } from "node:crypto";

/** A page of ours, with the policy that allows what it is made of and nothing else. */
export interface EmbeddedPage {
  readonly html: string;
  readonly contentSecurityPolicy: string;
}

/**
 * A page with one inline script and one inline style. `scripts` is what else it may take in, as in the
 * policy's `script-src`. Throws a `TypeError` when the import is not text, as Bun's types have it.
 */
export function embeddedPage(asset: unknown, scripts: readonly "'self'"[] = []): EmbeddedPage {
  if (typeof asset !== "string") throw new TypeError("Cannot embed page: the import is not text");
  return {
    html: asset,
    contentSecurityPolicy: [
      "default-src 'none'",
      "connect-src 'self'",
      `script-src ${[hashOf(asset, "script"), ...scripts].join(" ")}`,
      `style-src ${hashOf(asset, "style")}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join("; "),
  };
}

/** By which a policy allows one inline element (CSP 3 §2.3.1). */
function hashOf(html: string, element: "script" | "style"): string {
  const content = html.match(new RegExp(`<${element}[^>]*>([\\s\\S]*?)</${element}>`))?.[1] ?? "";
  return `'sha256-${createHash("sha256").update(content).digest("base64")}'`;
}
