import { VISIT_LIMITS } from "./limits.ts";
import { type Wire, WireTrouble } from "./wire.ts";

/** One request. */
export interface Question {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** The Host header. */
  readonly authority: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** How long the answer may take to begin. */
  readonly waitMs?: number;
}

/** What came back. Header names are in lower case. */
export interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** Cut off at the bound. */
  readonly body: string;
}

/** An answer's head, and the bytes that came behind it. */
export interface Head extends Omit<Answer, "body"> {
  readonly rest: Uint8Array;
}

const HEAD_END = "\r\n\r\n";
const HEAD_MAX_BYTES = 32 * 1024;
const AGENT = "posthorn-doctor";

/** Asks on a fresh connection, reads the whole answer, and takes whatever it is for an answer. */
export async function ask(wire: Wire, question: Question): Promise<Answer> {
  sendQuestion(wire, { ...question, headers: { ...question.headers, Connection: "close" } });
  const { rest, ...head } = await readHead(wire, question.waitMs);
  return { ...head, body: new TextDecoder().decode(await readBody(wire, head, rest)) };
}

/** Sends a request's head and body. */
export function sendQuestion(wire: Wire, question: Question): void {
  const { method, path, authority, headers = {}, body } = question;
  const all = {
    Host: authority,
    "User-Agent": AGENT,
    ...headers,
    ...(body !== undefined && { "Content-Length": String(new TextEncoder().encode(body).length) }),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  wire.write(`${[`${method} ${path} HTTP/1.1`, ...lines].join("\r\n")}${HEAD_END}${body ?? ""}`);
}

/** Reads up to the end of an answer's head. */
export async function readHead(wire: Wire, waitMs?: number): Promise<Head> {
  let bytes: Uint8Array = new Uint8Array();
  for (;;) {
    const chunk = await wire.read(waitMs);
    if (chunk === undefined) throw new WireTrouble("ended");
    bytes = concat(bytes, chunk);
    const text = latin1(bytes);
    refuseOthers(text);
    const end = text.indexOf(HEAD_END);
    if (end >= 0) return { ...parseHead(text.slice(0, end)), rest: bytes.slice(end + 4) };
    if (bytes.length > HEAD_MAX_BYTES) throw new WireTrouble("too_long");
  }
}

/** One array of two. */
export function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

function refuseOthers(text: string): void {
  if (text.startsWith("HTTP/".slice(0, text.length))) return;
  // A server that speaks only HTTP/2 begins with its SETTINGS frame (RFC 9113 §3.4).
  const isHttp2 = text.charCodeAt(0) === 0 && text.charCodeAt(3) === 4;
  throw new WireTrouble(isHttp2 ? "http2" : "no_http", {
    detail: JSON.stringify(text.slice(0, 40)),
  });
}

function parseHead(text: string): Omit<Head, "rest"> {
  const [first = "", ...lines] = text.split("\r\n");
  const status = Number(first.split(" ")[1]);
  if (!Number.isInteger(status)) throw new WireTrouble("no_http", { detail: first.slice(0, 40) });
  const headers = lines.flatMap((line): [string, string][] => {
    const colon = line.indexOf(":");
    return colon < 1 ? [] : [[line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]];
  });
  return { status, headers: new Map(headers) };
}

async function readBody(
  wire: Wire,
  { status, headers }: Omit<Head, "rest">,
  rest: Uint8Array,
): Promise<Uint8Array> {
  if (status === 204 || status === 304) return new Uint8Array();
  const isChunked = headers.get("transfer-encoding")?.toLowerCase().includes("chunked") ?? false;
  const length = Number(headers.get("content-length") ?? Number.POSITIVE_INFINITY);
  const most = Math.min(length, VISIT_LIMITS.answerMaxBytes);
  let bytes = rest;
  while (bytes.length < most && !(isChunked && latin1(bytes).endsWith("0\r\n\r\n"))) {
    // An answer that breaks off has still said something.
    const chunk = await wire.read().catch(() => undefined);
    if (chunk === undefined) break;
    bytes = concat(bytes, chunk);
  }
  return (isChunked ? unchunk(bytes) : bytes).slice(0, most);
}

function unchunk(bytes: Uint8Array): Uint8Array {
  const text = latin1(bytes);
  let all: Uint8Array = new Uint8Array();
  for (let place = 0; ; ) {
    const lineEnd = text.indexOf("\r\n", place);
    const size = Number.parseInt(text.slice(place, lineEnd), 16);
    if (lineEnd < 0 || !(size > 0)) return all;
    all = concat(all, bytes.slice(lineEnd + 2, lineEnd + 2 + size));
    place = lineEnd + 2 + size + 2;
  }
}

function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
