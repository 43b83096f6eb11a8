import { describe, expect, test } from "bun:test";
import { judgeAddresses } from "../../../src/cli/check-acme.ts";
import { SECRET, Terminal } from "./terminal.ts";

const NAME = "push.example.com";
const CLOUD = ["127.0.0.1", "10.0.0.4", "fe80::1"];
const ROOT = ["127.0.0.1", "203.0.113.7", "2001:db8:1::7"];

describe("judgeAddresses()", () => {
  test.each([
    ["a machine behind its provider's address", ["198.51.100.9"], CLOUD],
    ["a machine with its own address", ["203.0.113.7"], ROOT],
    ["both of its own addresses", ["203.0.113.7", "2001:db8:1::7"], ROOT],
  ])("has nothing against %s", (_, addresses, own) => {
    const found = `${NAME} leads to ${addresses.join(", ")}`;
    expect(judgeAddresses(NAME, addresses, own)).toEqual({ status: "ok", found });
  });

  test.each([
    {
      ...{ what: "this machine alone", addresses: ["127.0.0.1"], own: CLOUD },
      words: "which no authority reaches",
    },
    {
      ...{ what: "a private network", addresses: ["10.0.0.4"], own: CLOUD },
      words: "which no authority reaches",
    },
    {
      ...{ what: "another machine", addresses: ["203.0.113.8"], own: ROOT },
      words: "203.0.113.8 is not this machine's (it has 203.0.113.7, 2001:db8:1::7)",
    },
    {
      ...{ what: "an old AAAA record", addresses: ["203.0.113.7", "2001:db8:9::1"], own: ROOT },
      words: "of which 2001:db8:9::1 is not",
    },
  ])("warns of a name that leads to $what", ({ addresses, own, words }) => {
    expect(judgeAddresses(NAME, addresses, own)).toEqual({
      status: "warn",
      found: expect.stringContaining(words),
      remedy: expect.stringContaining(`Correct the A and AAAA records of ${NAME}`),
    });
  });
});

describe("posthorn check", () => {
  test("tells what an authority would miss, and makes nothing", async () => {
    await using terminal = await Terminal.open();
    terminal.env = {
      POSTHORN_SERVER__HOST: "127.0.0.1",
      POSTHORN_SERVER__PORT: "0",
      POSTHORN_SERVER__HTTP_PORT: "0",
      POSTHORN_SERVER__PUBLIC_URL: "https://other.example.com",
      POSTHORN_TOKENS__SECRET: SECRET,
      POSTHORN_ACME__DOMAINS: "localhost",
      POSTHORN_ACME__ACCEPT_TERMS: "true",
    };
    const { stdout } = await terminal.run("check", "--json");
    const { checks } = JSON.parse(stdout);
    const [{ findings }] = checks;
    expect(findings).toEqual([
      expect.objectContaining({
        status: "ok",
        found: "none from acme-v02.api.letsencrypt.org yet: the server orders one when it starts",
      }),
      expect.objectContaining({
        status: "warn",
        found: "authorities ask at port 80, server.http_port is 0",
      }),
      expect.objectContaining({
        status: "warn",
        found: "acme.domains has not other.example.com, the host of server.public_url",
        remedy: "Add other.example.com to acme.domains",
      }),
      expect.objectContaining({
        status: "warn",
        found: expect.stringContaining("localhost leads"),
      }),
    ]);
    const made = new Bun.Glob("**").scan({ cwd: terminal.workspace.path, onlyFiles: false });
    expect(await Array.fromAsync(made)).toEqual([]);
  });
});
