import { describe, expect, test } from "bun:test";
import { load, problemsWith, type SomeSources } from "./sources.ts";

const INSECURE = "[clients]\ninsecure = true\n";

describe("clients.insecure", () => {
  test("is off unless somebody wants it, and always on in development", () => {
    expect(load({}).clients.insecure).toBe(false);
    expect(load({ flags: { dev: true } }).clients.insecure).toBe(true);
  });

  test.each(["127.0.0.1", "127.8.8.8", "::1", "localhost"])("may be on at %s", (host) => {
    const { server, clients } = load({ toml: `${INSECURE}[server]\nhost = "${host}"` });
    expect([server.host, clients.insecure]).toEqual([host, true]);
  });

  const elsewhere: readonly (readonly [where: string, sources: SomeSources, found: string])[] = [
    ["by default", { toml: INSECURE }, "0.0.0.0"],
    ["by a file", { toml: `${INSECURE}[server]\nhost = "::"` }, "::"],
    ["by a variable", { toml: INSECURE, env: { POSTHORN_SERVER__HOST: "192.0.2.1" } }, "192.0.2.1"],
    [
      "by a name that only looks like it",
      { toml: INSECURE, env: { POSTHORN_SERVER__HOST: "127.example.com" } },
      "127.example.com",
    ],
  ];
  test.each(elsewhere)("is refused where others can reach it %s", (_, sources, found) => {
    expect(problemsWith(sources)).toEqual([
      `clients.insecure (posthorn.toml:2): got true beside server.host "${found}", wanted a loopback address there, such as "127.0.0.1", or serve --host`,
    ]);
  });

  test("may be on anywhere when the flag says where to listen", () => {
    const { server, clients } = load({ toml: INSECURE, flags: { host: "0.0.0.0" } });
    expect([server.host, clients.insecure]).toEqual(["0.0.0.0", true]);
  });

  test("is refused beside an address for the world outside", () => {
    const toml = `${INSECURE}[server]\nhost = "127.0.0.1"\npublic_url = "https://push.example.com"`;
    expect(problemsWith({ toml })).toEqual([
      expect.stringContaining("got true beside server.public_url, wanted one of the two"),
    ]);
  });
});
