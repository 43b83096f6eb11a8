import { describe, expect, test } from "bun:test";
import { makeLiveParts } from "../../../src/compose/live-parts.ts";
import type { WebClient } from "../../../src/core/ports/web-client.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { createFakeEntropy } from "../../support/fake-entropy.ts";
import { RecordingLog } from "../../support/recording-log.ts";
import { load } from "../config/sources.ts";
import { FakeCourier } from "../webhooks/fake-courier.ts";

const LOGIN = "[logins.wx]\nprovider = 'wechat'\napp_id = 'a'\nsecret = 's'\n";
const SECRET = "0123456789abcdef0123456789abcdef";

/** Nobody is asked while parts are made. */
const WEB: WebClient = { send: () => Promise.reject(new Error("asked")) };

/** Makes the parts of one text after the other, each taking over from those before. */
async function series(...texts: readonly string[]) {
  const log = new RecordingLog();
  const around = {
    clock: new FakeClock(),
    entropy: createFakeEntropy(),
    log,
    courier: new FakeCourier(),
    web: WEB,
  };
  const first = await makeLiveParts(load({ toml: texts[0] ?? "" }), around);
  const made = [first];
  for (const toml of texts.slice(1)) {
    made.push(await makeLiveParts(load({ toml }), around, made.at(-1)));
  }
  return { log, first, last: made.at(-1) ?? first };
}

describe("makeLiveParts()", () => {
  test("takes over what is known of published keys, unless they are published elsewhere", async () => {
    const keys = (host: string) => `[tokens]\njwks_url = 'https://${host}/keys'\n`;
    const same = await series(keys("a.example"), `${keys("a.example")}audience = 'x'`);
    expect(same.last.published).toBe(same.first.published);
    const other = await series(keys("a.example"), keys("b.example"));
    expect(other.last.published).not.toBe(other.first.published);
    const none = await series(keys("a.example"), "");
    expect(none.last.published).toBeUndefined();
  });

  test("takes over the backend that is asked, unless it is to be asked otherwise", async () => {
    const backend = (timeout: string) =>
      `[callbacks]\nrpc = 'http://backend/'\ntimeout = '${timeout}'\n`;
    const same = await series(backend("1s"), `${backend("1s")}[login]\nreply = ''`);
    expect(same.last.backend).toBe(same.first.backend);
    const other = await series(backend("1s"), backend("2s"));
    expect(other.last.backend).not.toBe(other.first.backend);
  });

  test("takes over a webhook that has the same address and secret, whatever events it wants", async () => {
    const shop = (url: string, events = "*") =>
      `[webhooks.shop]\nurl = '${url}'\nsecret = 'whsec_${"c".repeat(32)}'\nevents = ['${events}']\n`;
    const same = await series(shop("http://a/"), shop("http://a/", "device.*"));
    expect(same.last.webhooks[0]).toBe(same.first.webhooks[0]);
    expect([same.last.routes("x"), same.last.routes("device.online")]).toEqual([[], ["shop"]]);
    const other = await series(shop("http://a/"), shop("http://b/"));
    expect(other.last.webhooks[0]).not.toBe(other.first.webhooks[0]);
  });

  test("goes on with sessions whose secret was made by chance", async () => {
    const { log, first, last } = await series(LOGIN, `${LOGIN}[login]\nreply = 'x'`);
    const { text } = await first.sessions.sessions.issue("anna", "wx");
    expect(await last.sessions.sessions.verify(text)).toMatchObject({ user: "anna" });
    expect(log.of("sessions.unkept")).toHaveLength(1);
  });

  test("ends the sessions of a secret that is exchanged", async () => {
    const sessions = (secret: string) => `${LOGIN}[sessions]\nsecret = '${secret}'\n`;
    const { first, last } = await series(sessions(SECRET), sessions(SECRET.toUpperCase()));
    const { text } = await first.sessions.sessions.issue("anna", "wx");
    await expect(last.sessions.sessions.verify(text)).rejects.toMatchObject({
      code: "session_invalid",
    });
  });
});
