import { Fault } from "../core/faults.ts";
import type { HandshakeRefusal } from "./handshake.ts";

/** Answers a refused handshake: problem details (RFC 9457), or the same as text for whoever prefers it. */
export function refusalResponse(
  refusal: HandshakeRefusal,
  accept: string | null,
  nowMs: number,
): Response {
  const { status, code } = refusal;
  const isText = prefersText(accept ?? "");
  return new Response(isText ? textOf(refusal) : problemOf(refusal, nowMs), {
    status,
    headers: {
      "content-type": isText ? "text/plain;charset=utf-8" : "application/problem+json",
      "cache-control": "no-store",
      vary: "accept",
      // Required with 426 (RFC 9110 §15.5.22), and named in Connection like every Upgrade.
      ...(status === 426 && { upgrade: "websocket", connection: "Upgrade" }),
      ...(code === "version_unsupported" && { "sec-websocket-version": "13" }),
    },
  });
}

function problemOf({ status, code, detail, seen, fix }: HandshakeRefusal, nowMs: number): string {
  const { title } = new Fault(code);
  return JSON.stringify({
    type: "about:blank",
    title,
    status,
    code,
    detail,
    server_time: nowMs,
    seen,
    fix,
  });
}

function textOf({ code, detail, seen, fix }: HandshakeRefusal): string {
  const headers = Object.entries(seen).map(([name, value]) => `  ${name}: ${value ?? "(missing)"}`);
  const fixes = fix.map((line) => `  ${line}`);
  const { message } = new Fault(code, { detail });
  return [message, `Code: ${code}`, "Seen:", ...headers, "Fix:", ...fixes, ""].join("\n");
}

/** Whether plain text is wanted more than JSON (RFC 9110 §12.5.1); JSON wins a tie. */
function prefersText(accept: string): boolean {
  const weights = new Map(accept.split(",").map(rangeAndWeight));
  const textWeight = weights.get("text/plain") ?? weights.get("text/*") ?? 0;
  const jsonWeights = ["application/problem+json", "application/json", "application/*", "*/*"].map(
    (range) => weights.get(range) ?? 0,
  );
  return textWeight > Math.max(...jsonWeights);
}

function rangeAndWeight(part: string): [range: string, weight: number] {
  const [range = "", ...parameters] = part.split(";").map((it) => it.trim().toLowerCase());
  const weight = parameters.find((it) => it.startsWith("q="))?.slice("q=".length);
  return [range, weight === undefined ? 1 : Number(weight)];
}
