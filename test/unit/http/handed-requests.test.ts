import { expect, test } from "bun:test";
import type { HandedRequest } from "../../../src/control/hand-on.ts";
import type { RequestInfo } from "../../../src/core/ports/host.ts";
import { answerHanded, createHandingOnEntry } from "../../../src/http/handed-requests.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const INFO: RequestInfo = {
  remoteAddress: "10.0.0.7",
  upgrade: () => false,
  holdOpen: () => () => undefined,
};

function world() {
  const handed: HandedRequest[] = [];
  const entry = createHandingOnEntry({
    clock: new FakeClock(),
    log: new RecordingLog(),
    async ask(request) {
      handed.push(request);
      return { status: 204, headers: [], body: "" };
    },
  });
  const send = async (url: string, init: RequestInit = {}, info: Partial<RequestInfo> = {}) => {
    const headers = { host: "h" };
    return await entry(new Request(url, { headers, ...init }), { ...INFO, ...info });
  };
  return { handed, send };
}

test.each([true, false])(
  "a request is handed on as certified as it was: %p",
  async (isCertified) => {
    const { handed, send } = world();
    await send("http://h/v1/devices/42/events", { method: "POST", body: "{}" }, { isCertified });
    const [request] = handed;
    expect(request?.isCertified).toBe(isCertified);
    if (request === undefined) throw new Error("Cannot answer what was not handed on");
    const seen: unknown[] = [];
    await answerHanded(request, async (_, info) => {
      seen.push([info.isCertified, info.remoteAddress]);
      return new Response();
    });
    expect(seen).toEqual([[isCertified, "10.0.0.7"]]);
  },
);

test("a host that asks nobody for a certificate hands on nobody as certified", async () => {
  const { handed, send } = world();
  await send("http://h/readyz");
  expect(handed[0]?.isCertified).toBe(false);
});

test("a poll is handed on with what it acknowledges, and is not held there", async () => {
  const { handed, send } = world();
  const polls = "http://h/v1/devices/42/commands";
  const answer = await send(`${polls}?wait=25&cursor=abc&max=3`);
  await send(polls);
  expect([answer.status, answer.headers.get("connection")]).toEqual([204, "close"]);
  expect(handed.map(({ url }) => url)).toEqual([
    `${polls}?wait=0&cursor=abc&max=3`,
    `${polls}?wait=0`,
  ]);
});

test("what is no poll is handed on as it came", async () => {
  const { handed, send } = world();
  const url = "http://h/v1/devices/42/commands?wait=9";
  await send(url, { method: "POST", body: "{}" });
  await send("http://h/v1/devices/42/state?wait=9");
  expect(handed.map((it) => it.url)).toEqual([url, "http://h/v1/devices/42/state?wait=9"]);
});
