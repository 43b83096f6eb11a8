/** How long a browser may remember what it asked. */
const REMEMBERED_S = 300;

/** Lets the page that asked read the answer; a page that may not was refused before. */
export function exposeTo(origin: string | undefined, headers: Headers): void {
  headers.append("vary", "origin");
  if (origin === undefined) return;
  headers.set("access-control-allow-origin", origin);
  headers.set("access-control-allow-credentials", "true");
}

/** Answers the question that a browser asks before the request of a foreign page. */
export function preflight(request: Request, methods: readonly string[]): Response {
  const headers = new Headers({
    "access-control-max-age": String(REMEMBERED_S),
    "access-control-allow-methods": [...methods, "OPTIONS"].join(", "),
  });
  const wanted = request.headers.get("access-control-request-headers");
  if (wanted !== null) headers.set("access-control-allow-headers", wanted);
  return new Response(null, { status: 204, headers });
}
