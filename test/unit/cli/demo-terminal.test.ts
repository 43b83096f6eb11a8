import { describe, expect, test } from "bun:test";
import { runTerminal } from "../../../src/cli/demo/terminal.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { createFakeEntropy } from "../../support/fake-entropy.ts";
import { eventually, Inbox, within } from "../../support/inbox.ts";

interface Asked {
  readonly what: "events" | "result" | "state" | "poll";
  readonly text: string;
}

type Answers = (asked: Asked, nth: number) => Response | Promise<Response> | undefined;

/** A terminal with a clock of the test's, and a server that answers as the test says. */
class World implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly asked = new Inbox<Asked>();
  readonly lines = new Inbox<string>();
  readonly running: Promise<void>;
  readonly #server: Bun.Server<undefined>;
  readonly #power = new AbortController();

  constructor(answers: Answers) {
    this.#server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      idleTimeout: 0,
      fetch: async (request) => {
        const text = await request.text();
        const what = kindOf(request.url);
        const nth = this.all(what).length + 1;
        this.asked.push({ what, text });
        return (await answers({ what, text }, nth)) ?? usual(what);
      },
    });
    this.running = runTerminal({
      url: `http://127.0.0.1:${this.#server.port}`,
      id: "t",
      secret: "s",
      clock: this.clock,
      entropy: createFakeEntropy(),
      print: (line) => this.lines.push(line),
      signal: this.#power.signal,
    });
    this.running.catch(() => {}); // the tests that expect it await it themselves
  }

  all(what: Asked["what"]): readonly Asked[] {
    return this.asked.items.filter((it) => it.what === what);
  }

  /** The nth request of a kind, once it came. */
  async nth(what: Asked["what"], nth: number): Promise<Asked> {
    const found = () => this.all(what)[nth - 1];
    return eventually(found, `${what} ${nth}`);
  }

  prints(start: string): Promise<string> {
    return this.lines.find((line) => line.startsWith(start), { what: start });
  }

  async switchOff(): Promise<void> {
    this.#power.abort();
    await within(this.running, "the end of the terminal");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#power.abort();
    await Promise.allSettled([this.running]);
    await this.#server.stop(true);
  }
}

function kindOf(url: string): Asked["what"] {
  const { pathname } = new URL(url);
  if (pathname.endsWith("/commands")) return "poll";
  if (pathname.endsWith("/result")) return "result";
  return pathname.endsWith("/state") ? "state" : "events";
}

/** All is well, and there is no command. */
function usual(what: Asked["what"]): Response | Promise<Response> {
  return what === "poll" ? new Promise(() => {}) : Response.json({ results: [] });
}

function delivery(attempt: number, type: string): Response {
  return Response.json({ commands: [{ id: "c-1", type, data: null, attempt }], cursor: "x" });
}

function idsIn({ text }: Asked): readonly string[] {
  return JSON.parse(text).map(({ id }: { readonly id: string }) => id);
}

describe("the terminal of posthorn demo-device", () => {
  test("posts what broke again with the same id, together with what came meanwhile", async () => {
    await using world = new World(({ what }, nth) =>
      what === "events" && nth === 1
        ? new Response("", { status: 503, headers: { "retry-after": "3" } })
        : undefined,
    );
    const broken = await world.nth("events", 1);
    await world.prints("trouble: the server answered 503; again in 3.0 s");
    world.clock.advance(2_999);
    expect(world.all("events")).toHaveLength(1);
    world.clock.advance(1);
    const again = await world.nth("events", 2);
    expect(idsIn(again)).toEqual([...idsIn(broken), expect.any(String)]);
    await world.prints("posted 2 events that had to wait");
    world.clock.advance(2_000);
    expect(idsIn(again)).not.toContain(idsIn(await world.nth("events", 3))[0]);
  });

  test("waits longer and longer, and not for ever", async () => {
    await using world = new World(({ what }) =>
      what === "poll" ? new Response("", { status: 500 }) : undefined,
    );
    const pauses: string[] = [];
    let seen = 0;
    while (pauses.length < 6) {
      const isOne = (it: string) => it.startsWith("trouble: the server answered 500");
      const line = await world.lines.find(isOne, { what: "the next trouble", from: seen });
      seen = world.lines.items.indexOf(line, seen) + 1;
      pauses.push(/again in (.+) s/.exec(line)?.[1] ?? "");
      world.clock.advance(20_000);
    }
    expect(pauses).toEqual(["1.3", "2.5", "5.0", "10.0", "18.8", "18.8"]);
  });

  test("tells one trouble once, though it posts and polls, and another one as well", async () => {
    await using world = new World(({ what }, nth) => {
      if (nth === 1) return new Response("", { status: 500 });
      if (nth === 2) return new Response("", { status: what === "poll" ? 502 : 500 });
      return undefined;
    });
    const troubles = () => world.lines.items.filter((line) => line.startsWith("trouble"));
    await world.nth("poll", 1);
    await world.nth("state", 1);
    await eventually(() => world.clock.pending === 3 || undefined, "both pauses");
    expect(troubles()).toEqual(["trouble: the server answered 500; again in 1.3 s"]);
    world.clock.advance(1_500);
    await world.prints("trouble: the server answered 502; again in 2.5 s");
    await world.nth("state", 2);
    await world.prints("trouble: the server answered 500; again in 2.5 s");
    expect(troubles()).toHaveLength(3);
  });

  test("drops what will never be taken", async () => {
    await using world = new World(({ what }, nth) =>
      what === "events" && nth === 1 ? new Response("no", { status: 422 }) : undefined,
    );
    const refused = await world.nth("events", 1);
    await world.prints("refused (422): posted reading");
    world.clock.advance(2_000);
    expect(idsIn(await world.nth("events", 2))).not.toContain(idsIn(refused)[0]);
  });

  test("obeys a command once, and answers the same when it is delivered again", async () => {
    await using world: World = new World(async ({ what }, nth) => {
      if (what !== "poll" || nth > 2) return usual(what);
      if (nth === 2) {
        await world.prints("answered ping");
        // Obeyed now, it would tell another uptime.
        world.clock.advance(5_000);
      }
      return delivery(nth, "ping");
    });
    const [first, second] = [await world.nth("result", 1), await world.nth("result", 2)];
    expect(first.text).toBe('{"ok":true,"data":{"pong":true,"uptime_s":0}}');
    expect(second.text).toBe(first.text);
    await world.prints("got ping null, delivery 2");
  });

  test("tells a result again until it was heard", async () => {
    await using world = new World(({ what }, nth) => {
      if (what === "poll" && nth === 1) return delivery(1, "fail");
      return what === "result" && nth === 1 ? new Response("", { status: 502 }) : undefined;
    });
    const lost = await world.nth("result", 1);
    await world.prints("trouble: the server answered 502");
    world.clock.advance(1_500);
    expect((await world.nth("result", 2)).text).toBe(lost.text);
    expect(JSON.parse(lost.text).error.code).toBe("out_of_order");
    await world.prints("answered fail");
  });

  test("becomes what is desired and reports it, and tries each wish once", async () => {
    const state = { delta: { light: true, shape: "round" }, desired_version: 3 };
    await using world = new World(({ what }, nth) =>
      what === "poll" && nth <= 2 ? Response.json({ commands: [], cursor: "", state }) : undefined,
    );
    await world.nth("poll", 3);
    await eventually(() => {
      const reported = world.all("state").map(({ text }) => JSON.parse(text));
      return Object.assign({}, ...reported).light === true || undefined;
    }, "the report");
    const wishes = world.lines.items.filter((line) => line.startsWith("is to become"));
    expect(wishes).toHaveLength(1);
    expect(world.lines.items).toContain("cannot be what is wanted of shape");
  });

  test("ends at once where its secret is wrong, and says so", async () => {
    await using world = new World(() => new Response("", { status: 401 }));
    await expect(within(world.running, "the end")).rejects.toThrow(
      "Cannot go on: the server does not know the secret of t",
    );
    expect(world.clock.pending).toBe(0);
  });

  test("ends when it is switched off, in the midst of a poll and a pause", async () => {
    await using world = new World(() => undefined);
    await world.nth("poll", 1);
    await world.prints("posted reading");
    await world.switchOff();
    expect(world.clock.pending).toBe(0);
    expect(world.lines.items.at(-1)).toBe("t is off");
  });

  test("takes a page that some proxy answered for a broken line", async () => {
    await using world = new World(({ what }) =>
      what === "poll" ? new Response("<html>") : undefined,
    );
    await world.prints("trouble: what came is not from Posthorn; again in 1.3 s");
  });
});
