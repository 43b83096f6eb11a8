import { describe, expect, test } from "bun:test";
import type { PosthornOptions, Problem } from "../../../src/sdk/posthorn.d.ts";
import { REMEDIES } from "../../../src/sdk/remedies.ts";
import { App, builtSdk } from "../../support/fake-wx/app.ts";
import { eventually } from "../../support/inbox.ts";
import { ScriptedServer } from "./scripted-server.ts";

const { miniprogram } = await builtSdk();

function appOf({ url }: { readonly url: string }, options: Partial<PosthornOptions> = {}): App {
  return new App(miniprogram, { url, ...options });
}

async function firstProblem(app: App): Promise<Problem | undefined> {
  const { problem } = await app.statuses.find((status) => status.problem !== undefined, {
    what: "a status with a problem",
  });
  return problem;
}

describe("a server that wants a ticket", () => {
  test.each([
    [3501, "bad request"],
    [3500, "invalid token"],
  ] as const)("says so with %i to an app without getTicket", async (code, reason) => {
    for (const lang of ["en", "zh"] as const) {
      using server = new ScriptedServer();
      server.script.connect = () => ({ close: [code, reason] });
      using app = appOf(server, { lang });
      expect((await app.next("stopped")).problem).toEqual({
        cause: "ticket_missing",
        text: reason,
        code,
        remedy: REMEDIES[lang].ticket_missing,
      });
    }
  });

  test("says with the same codes something else to an app that has one", async () => {
    using server = new ScriptedServer();
    server.script.connect = () => ({ close: [3501, "bad request"] });
    using app = appOf(server, { getTicket: () => "ticket" });
    expect((await app.next("stopped")).problem).toMatchObject({ cause: "refused", code: 3501 });
  });

  test("is none that had let the app in without", async () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    await app.next("connected");
    (await server.peer(1)).close(3501, "bad request");
    expect((await app.next("stopped")).problem).toMatchObject({ cause: "refused", code: 3501 });
  });
});

describe("a request of getTicket that the phone does not let out", () => {
  test.each([
    [{ errMsg: "request:fail url not in domain list", errno: 600002 }],
    [{ errMsg: "request:fail url not in domain list" }],
    [new Error("Cannot get a ticket: request:fail url not in domain list")],
  ])("is told as that, and asked again: %p", async (reason) => {
    using server = new ScriptedServer();
    let asked = 0;
    const getTicket = async () => {
      asked += 1;
      if (asked === 1) throw reason;
      return "ticket";
    };
    using app = appOf(server, { getTicket });
    const problem = await firstProblem(app);
    expect(problem).toMatchObject({
      cause: "domain_not_listed",
      text: expect.stringContaining("request:fail url not in domain list"),
      remedy: expect.stringContaining("request domains"),
    });
    app.phone.clock.advance(1_500);
    await app.next("connected");
  });
});

describe("the ticket of another server", () => {
  test("stops the app with 109 three times in a row, and connect() asks anew", async () => {
    using server = new ScriptedServer();
    const { connect } = server.script;
    server.script.connect = () => ({ error: { code: 109, message: "token expired" } });
    let asked = 0;
    const getTicket = () => {
      asked += 1;
      return `ticket-${asked}`;
    };
    using app = appOf(server, { getTicket });
    const isStopped = () => app.posthorn.status.state === "stopped" || undefined;
    await eventually(() => {
      if (!isStopped() && app.phone.sockets === 0) app.phone.clock.advance(1_000);
      return isStopped();
    }, "the end");
    expect(asked).toBe(3);
    expect(app.posthorn.status.problem).toEqual({
      cause: "ticket_refused",
      text: "token expired",
      code: 109,
      remedy: expect.stringMatching(/at the server that issued it, and not after its restart/),
    });
    server.script.connect = connect;
    app.posthorn.connect();
    await app.next("connected");
    expect(asked).toBe(4);
  });
});

describe("createPosthorn()", () => {
  test.each([
    "wss://push.example.com/login?ticket=pht_secret",
    "https://push.example.com/login",
    "wss://push.example.com/login/",
    "wss://push.example.com/?ticket=pht_secret",
    "wss://push.example.com?ticket=pht_secret",
    "wss://push.example.com/connection/websocket?ticket=pht_secret",
  ])("refuses what POST /v1/tickets answers as url, and does not tell it on: %s", (url) => {
    let said = "";
    try {
      appOf({ url });
    } catch (error) {
      said = String(error);
    }
    expect(said).toBe(
      "TypeError: Cannot use url: found the path /login or a query, wanted only the host, like wss://push.example.com; a ticket is what getTicket gives",
    );
  });

  test("takes another path, also one that begins like it", () => {
    using app = appOf({ url: "ws://127.0.0.1:1/login-proxy" });
    expect(app.posthorn.status.state).toBe("connecting");
  });
});
