import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { parseTarget, type Target } from "../../../src/doctor/target.ts";
import { type ServerVisit, visitServer } from "../../../src/doctor/visit-server.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { makeCertificates } from "../../../src/tls/make-certificates.ts";

function visitOf(url: string, more: Partial<ServerVisit> = {}): ServerVisit {
  const target = parseTarget(url) as Target;
  return { target, clock: systemClock, idleMs: 0, credentials: {}, plainPort: 1, ...more };
}

async function codesOf(visit: ServerVisit): Promise<string[]> {
  return (await visitServer(visit)).map(({ code }) => code);
}

/** A TCP port that answers the first bytes of whoever comes with these, or with nothing. */
async function rawPeer(answer: Uint8Array | undefined, onData: () => void = () => {}) {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      onData();
      if (answer !== undefined) socket.end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  return { port, [Symbol.dispose]: () => server.close() };
}

test("visitServer() knows a front that speaks HTTP/2 only by its alert", async () => {
  const noApplicationProtocol = new Uint8Array([21, 3, 3, 0, 2, 2, 120]);
  using peer = await rawPeer(noApplicationProtocol);
  const codes = await codesOf(visitOf(`https://localhost:${peer.port}`));
  expect(codes).toContain("http2_only");
});

test("visitServer() looks where plain HTTP leads, and at what answers by TLS", async () => {
  const { cert, key, ca } = await makeCertificates({ hosts: ["localhost"], now: new Date() });
  const fetch = () => new Response("<title>A shop</title>");
  await using secure = Bun.serve({ port: 0, hostname: "127.0.0.1", tls: { cert, key }, fetch });
  await using plain = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => Response.redirect("https://localhost/", 308),
  });
  const visit = visitOf(`https://localhost:${secure.port}`, { ca, plainPort: plain.port ?? 0 });
  const codes = await codesOf(visit);
  expect(codes).toContain("plain_redirects");
  expect(codes).toContain("posthorn_missing");
  expect(codes).toContain("root_named");
});

test("visitServer() says that https was meant where a port that speaks TLS is called without", async () => {
  const { cert, key } = await makeCertificates({ hosts: ["localhost"], now: new Date() });
  const fetch = () => new Response("");
  await using secure = Bun.serve({ port: 0, hostname: "127.0.0.1", tls: { cert, key }, fetch });
  const url = `://localhost:${secure.port}`;
  const findings = await visitServer(visitOf(`http${url}`));
  const ills = findings.filter(({ severity }) => severity !== "ok");
  expect(ills.map(({ code }) => code)).toEqual(["tls_forgotten"]);
  expect(ills[0]?.values).toEqual({ url: `http${url}`, secure: `https${url}` });
});

test("visitServer() says of plain HTTP that is somebody else's that it is without TLS", async () => {
  await using plain = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("") });
  const codes = await codesOf(visitOf(`http://localhost:${plain.port}`));
  expect(codes).toContain("tls_absent");
  expect(codes).toContain("posthorn_missing");
});

test("visitServer() ends when it is told to, with what it found by then", async () => {
  const stopping = new AbortController();
  using peer = await rawPeer(undefined, () => stopping.abort());
  const codes = await codesOf(visitOf(`http://127.0.0.1:${peer.port}`, { stop: stopping.signal }));
  expect(codes).toEqual(["port_open", "time_up"]);
});
