import { describe, expect, test } from "bun:test";
import type { RequestInfo } from "../../../src/core/ports/host.ts";
import { createDevicesEntry } from "../../../src/http/devices-entry.ts";
import { createPlainEntry, type PlainEntryOptions } from "../../../src/http/plain-entry.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const INFO: RequestInfo = {
  remoteAddress: "192.0.2.1",
  holdOpen: () => () => undefined,
  upgrade: () => false,
};

const around = () => ({
  clock: new FakeClock(),
  log: new RecordingLog(),
  entry: async (request: Request) => new Response(`served ${new URL(request.url).pathname}`),
});

function plainEntry(options: Partial<PlainEntryOptions> = {}) {
  const entry = createPlainEntry({
    ...around(),
    serves: "redirect",
    publicUrl: () => undefined,
    isCertified: () => false,
    securePort: () => 8443,
    challengeOf: (token) => (token === "known" ? "known.print" : undefined),
    ...options,
  });
  return (url: string, host = new URL(url).host) =>
    entry(new Request(url, { headers: { host } }), INFO);
}

async function locationOf(answer: Promise<Response>): Promise<string | null> {
  const { status, headers } = await answer;
  expect(status).toBe(308);
  return headers.get("location");
}

describe("createPlainEntry()", () => {
  test("sends who asks to the same path of the same host", async () => {
    const ask = plainEntry();
    expect(await locationOf(ask("http://a.test:8080/x/y?q=1"))).toBe("https://a.test:8443/x/y?q=1");
    expect(await locationOf(ask("http://[::1]/x"))).toBe("https://[::1]:8443/x");
  });

  test("names no port where it is that of https", async () => {
    const ask = plainEntry({ securePort: () => 443 });
    expect(await locationOf(ask("http://a.test:8080/x"))).toBe("https://a.test/x");
  });

  test("sends them to what is called from outside where that is known to be https", async () => {
    const outside = plainEntry({ publicUrl: () => "https://push.test/base" });
    expect(await locationOf(outside("http://10.0.0.1/x"))).toBe("https://push.test/x");
    const plain = plainEntry({ publicUrl: () => "http://push.test" });
    expect(await locationOf(plain("http://a.test/x"))).toBe("https://a.test:8443/x");
  });

  test("leaves them the host they asked where a certificate is for it, at the port of the outside", async () => {
    const isCertified = (host: string) => host === "shop.test";
    const ask = plainEntry({ publicUrl: () => "https://push.test", isCertified });
    expect(await locationOf(ask("http://shop.test:8080/x?q=1"))).toBe("https://shop.test/x?q=1");
    expect(await locationOf(ask("http://other.test/x"))).toBe("https://push.test/x");
    const other = plainEntry({ publicUrl: () => "https://push.test:444", isCertified });
    expect(await locationOf(other("http://shop.test/x"))).toBe("https://shop.test:444/x");
  });

  test.each(["/healthz", "/readyz"])("lets balancers ask for %s", async (path) => {
    const answer = await plainEntry()(`http://a.test${path}`);
    expect(await answer.text()).toBe(`served ${path}`);
  });

  test.each(["redirect", "everything"] as const)(
    "answers authorities that have something to ask, where it serves %s",
    async (serves) => {
      const ask = plainEntry({ serves });
      const known = await ask("http://a.test/.well-known/acme-challenge/known");
      expect([known.status, await known.text()]).toEqual([200, "known.print"]);
      const unknown = await ask("http://a.test/.well-known/acme-challenge/other");
      expect(unknown.status).toBe(404);
    },
  );

  test("serves whom a trusted proxy was asked by https: a redirect would lead back to the proxy", async () => {
    const entry = createPlainEntry({
      ...around(),
      ...{ serves: "redirect", publicUrl: () => undefined, securePort: () => 8443 },
      isCertified: () => false,
      challengeOf: () => undefined,
    });
    const ask = (scheme: "http" | "https") =>
      entry(new Request("http://a.test/x", { headers: { host: "a.test" } }), { ...INFO, scheme });
    expect(await (await ask("https")).text()).toBe("served /x");
    expect((await ask("http")).status).toBe(308);
  });

  test("serves everything where it is told to", async () => {
    const answer = await plainEntry({ serves: "everything" })("http://a.test/console");
    expect(await answer.text()).toBe("served /console");
  });

  test("sends nobody to a host that is none", async () => {
    const answer = await plainEntry()("http://a.test/x", "evil.test/@");
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: "host_invalid" });
  });
});

describe("createDevicesEntry()", () => {
  const ask = (path: string) => {
    const entry = createDevicesEntry(around());
    return entry(new Request(`https://a.test${path}`, { headers: { host: "a.test" } }), INFO);
  };

  test.each(["/v1/devices/42/events", "/v1/devices/42/commands/socket", "/v1/enroll", "/healthz"])(
    "has %s",
    async (path) => {
      expect(await (await ask(path)).text()).toBe(`served ${path}`);
    },
  );

  test.each(["/login", "/console", "/api/publish", "/v1/devices", "/metrics", "/v1/enrolled"])(
    "has no %s",
    async (path) => {
      const answer = await ask(path);
      expect([answer.status, (await answer.json()).code]).toEqual([404, "path_unknown"]);
    },
  );
});
