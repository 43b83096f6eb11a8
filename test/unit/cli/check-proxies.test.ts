import { expect, test } from "bun:test";
import { Terminal } from "./terminal.ts";

async function found(toml: string): Promise<string> {
  await using terminal = await Terminal.open();
  await terminal.workspace.write("posthorn.toml", toml);
  const { stdout } = await terminal.run("check", "--json");
  const { checks } = JSON.parse(stdout);
  const { findings } = checks.find(({ id }: { readonly id: string }) => id === "proxies");
  return findings.map(({ status, found }: Record<string, string>) => `${status} ${found}`).join();
}

const PUBLIC = "public_url = 'https://push.example.com'";

test.each([
  ["", "ok by who connects: no proxy is trusted"],
  ["[server]\npublic_url = 'http://push.example.com'", "ok by who connects"],
  [`[server]\n${PUBLIC}`, "warn server.public_url is https and there is neither"],
  [`[server]\n${PUBLIC}\n[tls]\ncert = 'c'\nkey = 'k'`, "ok by who connects"],
  ["[server]\nhost = '127.0.0.1'\npublic_url = 'http://localhost:8077'", "ok by who connects"],
  [`[server]\nhost = '127.0.0.1'\n${PUBLIC}`, "warn only this machine reaches 127.0.0.1"],
  [`[server]\nhost = '::1'\n${PUBLIC}\ntrusted_proxies = ['127.0.0.1']`, "warn only this machine"],
  [
    `[server]\nhost = '127.0.0.1'\n${PUBLIC}\ntrusted_proxies = ['127.0.0.0/8']`,
    "ok by x-forwarded-for of 127.0.0.0/8, else by who connects",
  ],
])("posthorn check finds of the proxies of %j: %s", async (toml, start) => {
  expect(await found(toml)).toStartWith(start);
});
