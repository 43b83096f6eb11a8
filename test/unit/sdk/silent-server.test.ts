import { describe, expect, test } from "bun:test";
import { transform } from "esbuild";
import type { Posthorn, Status } from "../../../src/sdk/posthorn.d.ts";
import { App, builtSdk, type Sdk } from "../../support/fake-wx/app.ts";
import { runBare } from "../../support/fake-wx/bare-context.ts";
import { PhoneClock } from "../../support/fake-wx/phone-clock.ts";
import { eventually, Inbox } from "../../support/inbox.ts";
import { ScriptedServer } from "./scripted-server.ts";

const sdk = await builtSdk();
const { code: browser } = await transform(sdk.browser, { format: "cjs" });

type Server = { readonly url: string } & Disposable;

/** Takes connections and says nothing, as what a firewall swallows looks from the other end. */
function muteServer(): Server {
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: () => undefined },
  });
  return { url: `ws://127.0.0.1:${listener.port}`, [Symbol.dispose]: () => listener.stop(true) };
}

/** Opens websockets, and answers nothing that is sent through them. */
function speechlessServer(): Server {
  const server = new ScriptedServer();
  server.script.connect = () => undefined;
  return server;
}

/** What a test sees of a client, on whatever it runs. */
interface World extends Disposable {
  readonly clock: PhoneClock;
  readonly posthorn: Posthorn;
  readonly statuses: Inbox<Status>;
}

function onPhone({ url }: Server): World {
  const app = new App(sdk.miniprogram, { url });
  const { posthorn, statuses } = app;
  return { clock: app.phone.clock, posthorn, statuses, [Symbol.dispose]: () => posthorn.close() };
}

function inBrowser({ url }: Server): World {
  const clock = new PhoneClock();
  const globals = { ...clock.appGlobals(), globalThis: { Promise } };
  const file = runBare(browser, globals, () => clock.nowMs) as Sdk;
  const posthorn = file.createPosthorn({ url, platform: { name: "browser", api: { WebSocket } } });
  const statuses = new Inbox<Status>();
  posthorn.on("status", (status) => statuses.push(status));
  return { clock, posthorn, statuses, [Symbol.dispose]: () => posthorn.close() };
}

describe.each([
  ["a phone", onPhone],
  ["a browser", inBrowser],
] as const)("on %s", (_, open) => {
  test.each([
    ["takes connections and stays silent", muteServer],
    ["opens a websocket and answers nothing", speechlessServer],
  ] as const)("a server that %s is told as one that does not answer", async (_what, serve) => {
    using server = serve();
    using world = open(server);
    const { clock, statuses } = world;
    const problems = () => statuses.items.flatMap(({ problem }) => problem ?? []);
    // A phone takes 2 s of these to try out an opening that it was not told of.
    for (const attempt of [1, 2]) {
      const startedAtMs = clock.nowMs;
      await eventually(() => {
        if (problems().length < attempt) clock.advance(500);
        return problems().length >= attempt || undefined;
      }, `the problem of attempt ${attempt}`);
      expect(clock.nowMs - startedAtMs).toBeLessThan(20_000);
    }
    for (const problem of problems().slice(0, 2)) {
      expect(problem).toEqual({
        cause: "timed_out",
        text: "timeout: no answer within 10 s",
        remedy: "Check the port, the firewall, and whether it works over another network",
      });
    }
    expect(world.posthorn.status.state).toBe("connecting");
  });

  test("what the app closes itself has not timed out", async () => {
    using server = muteServer();
    using world = open(server);
    world.clock.advance(3_000);
    world.posthorn.close();
    world.clock.advance(60_000);
    expect(world.statuses.items.map(({ state, problem }) => [state, problem])).toEqual([
      ["closed", undefined],
    ]);
  });
});

describe("an app that is hidden while nobody answers", () => {
  test("is told of no problem when it is shown again", async () => {
    using server = muteServer();
    const app = new App(sdk.miniprogram, { url: server.url });
    await eventually(() => app.phone.connects > 0 || undefined, "the first attempt");
    app.phone.hide();
    app.phone.clock.advance(60_000);
    app.phone.show();
    expect(app.statuses.items.flatMap(({ problem }) => problem?.cause ?? [])).toEqual([]);
    app.posthorn.close();
  });
});
