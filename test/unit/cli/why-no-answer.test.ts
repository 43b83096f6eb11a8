import { describe, expect, test } from "bun:test";
import { whyNoAnswer } from "../../../src/cli/demo/why-no-answer.ts";

/** As Deno throws: the reason is in the text of the cause. */
function deno(why: string): Error {
  const cause = new Error(`error sending request for url (https://x/): client error ${why}`);
  return new TypeError("fetch failed", { cause });
}

function bun(code: string, message = "it failed"): Error {
  return Object.assign(new TypeError(message), { code });
}

describe("whyNoAnswer()", () => {
  test.each([
    ["no trust", bun("DEPTH_ZERO_SELF_SIGNED_CERT"), "NODE_EXTRA_CA_CERTS"],
    ["no trust", bun("UNABLE_TO_VERIFY_LEAF_SIGNATURE"), "NODE_EXTRA_CA_CERTS"],
    ["no trust", bun("ERR_TLS_CERT_ALTNAME_INVALID"), "certificate that is not trusted"],
    ["no trust", deno("(Connect): invalid peer certificate: UnknownIssuer"), "NODE_EXTRA_CA_CERTS"],
    ["no TLS", bun("EPROTO"), "perhaps it is http://till:8077"],
    ["no TLS", deno("(Connect): received corrupt message"), "perhaps it is http://till:8077"],
    ["no host", bun("ENOTFOUND"), "there is no host till"],
    ["no host", deno("(Connect): dns error: failed to lookup"), "there is no host till"],
    ["no server", bun("ECONNREFUSED"), "does not listen at till:8077"],
    ["no server", deno("(Connect): tcp connect error: Connection refused"), "does not listen"],
    ["a cut", bun("ECONNRESET"), "hung up before it answered"],
    ["anything else", bun("EODD", "odd"), "gave no answer (EODD: odd)"],
    ["nothing at all", undefined, "gave no answer"],
  ])("tells %s", (_, cause, wanted) => {
    expect(whyNoAnswer(cause, "https://till:8077")).toContain(wanted);
  });

  test("tells a server that hangs up on http that it may want TLS", () => {
    const odd = deno("(SendRequest): invalid HTTP version parsed");
    for (const cause of [bun("ECONNRESET"), deno("connection closed before"), odd]) {
      expect(whyNoAnswer(cause, "http://till:8077")).toContain("TLS: https://till:8077");
    }
  });

  test("tells what fetch really throws", async () => {
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const { port } = server;
    const failure = async (url: string) => whyNoAnswer(await fetch(url).catch((it) => it), url);
    expect(await failure(`https://127.0.0.1:${port}`)).toContain("speaks no TLS on this port");
    await server.stop(true);
    expect(await failure(`http://127.0.0.1:${port}`)).toContain("does not listen at 127.0.0.1:");
  });
});
