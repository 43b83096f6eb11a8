import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Page } from "playwright-core";
import { SDK_FILES } from "../../src/sdk/generated/sdk-files.ts";
import { Backend } from "../support/backend.ts";
import { Chromium } from "../support/chromium.ts";
import { runCli } from "../support/cli.ts";
import { DemoDevice } from "../support/demo-device.ts";
import { ask, GuidedDevice } from "../support/guided-device.ts";
import { eventually } from "../support/inbox.ts";
import { call, MiniProgram, readMiniProgram, SDK_PLACE } from "../support/mini-program.ts";
import { type Posthorn, startPosthorn } from "../support/posthorn.ts";
import { BLACK_BOX_TIMEOUT_MS, EXECUTABLE, TARGETS } from "../support/targets.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

/** A terminal that is switched off shall soon be known as gone. */
const DEV = {
  args: ["--dev"],
  config: { devices: { online_ttl: "1s", offline_grace: "1s" } },
};

describe.each(TARGETS)("posthorn demo-device on $name", (target) => {
  test("posts readings, obeys commands, becomes what is desired, and ends with 0", async () => {
    await using server = await startPosthorn(target, DEV);
    await using device = new DemoDevice(target, "--url", server.url, "--id", "shop-1");
    await device.prints('posted reading {"temperature":');
    const backend = new Backend(server.url, { "x-api-key": "dev" });
    const command = async (type: string, data?: object) => {
      const body = JSON.stringify({ type, data, wait: 10 });
      return JSON.parse((await backend.post("/v1/devices/shop-1/commands", body)).text);
    };
    expect((await command("light", { on: true })).result).toEqual({
      ok: true,
      data: { light: true },
    });
    expect(await command("ping")).toMatchObject({
      status: "done",
      result: { data: { pong: true } },
    });
    expect((await command("blink", { times: 1 })).result).toEqual({
      ok: true,
      data: { blinked: 1 },
    });
    expect(await command("fail")).toMatchObject({
      status: "failed",
      result: { ok: false, error: { code: "out_of_order" } },
    });
    expect((await command("dance")).result.error.code).toBe("command_unknown");
    expect((await command("light", { on: 1 })).result.error.code).toBe("data_invalid");

    const desired = { light: false, target: 4, colour: "red" };
    await backend.send("PATCH", "/v1/devices/shop-1/state", desired);
    const settled = await eventually(async () => {
      const state = JSON.parse((await backend.get("/v1/devices/shop-1/state")).text);
      return state.reported.target === 4 ? state : undefined;
    }, "the state that is desired");
    expect(settled.reported).toEqual({ light: false, target: 4 });
    expect(settled.delta).toEqual({ colour: "red" });
    await device.prints("cannot be what is wanted of colour");
    expect(await device.stop()).toBe(0);
    expect(device.lines.items.at(-1)).toBe("shop-1 is off");
  });

  test("ends with 1 where its secret is wrong, and with 2 where it is used wrongly", async () => {
    await using server = await startPosthorn(target, DEV);
    const { workspace } = server;
    const args = ["demo-device", "--url", server.url];
    const refused = await runCli(target, [...args, "--secret", "guess"], { workspace });
    expect([refused.code, refused.stderr]).toEqual([
      1,
      "Cannot go on: the server does not know the secret of demo\n",
    ]);
    const wrong = await runCli(target, ["demo-device", "--url", "ftp://x"], { workspace });
    expect([wrong.code, wrong.stdout]).toEqual([2, ""]);
    expect(wrong.stderr).toContain('Cannot use --url: got "ftp://x"');
  });
});

describe("/demo in a browser", () => {
  test("shows a terminal live, and its answer to a button", async () => {
    await using world = await DemoWorld.start();
    const { page, errors } = await world.browser.open(`${world.server.url}/demo`);
    await page.getByText("No terminal has called yet").waitFor();
    const command = `posthorn demo-device --url ${world.server.url}`;
    expect(await page.locator("#empty code").textContent()).toBe(command);
    await using device = world.device();
    await page.locator('[data-device="demo"] .dot[data-is="true"]').waitFor();
    const first = await reading(page);
    await eventually(async () => ((await reading(page)) === first ? undefined : true), "a change");

    await page.getByRole("button", { name: "Light on" }).click();
    await page.getByText("✓ light").waitFor();
    expect(await page.locator("#answer code").textContent()).toBe('{"light":true}');
    expect(await page.locator("#answer .soft").textContent()).toMatch(/^\d+ ms$/);
    await page.locator("#lamp.on").waitFor();
    await device.prints('got light {"on":true}');
    await page.getByRole("button", { name: "Fail" }).click();
    await page.getByText("✗ fail").waitFor();
    expect(await page.locator("#answer code").textContent()).toContain('"code":"out_of_order"');

    await page.getByRole("button", { name: "中文" }).click();
    await page.getByRole("button", { name: "开灯" }).waitFor();
    expect(await page.locator("html").getAttribute("lang")).toBe("zh-CN");

    await device.stop();
    await page.locator('[data-device="demo"] .dot[data-is="false"]').waitFor();
    expect(errors).toEqual([]);
  });

  test("comes back after a cut, says so, and has missed nothing", async () => {
    await using world = await DemoWorld.start();
    await using proxy = await TcpProxy.start(world.server.port);
    await using device = world.device();
    const { page } = await world.browser.open(`http://127.0.0.1:${proxy.port}/demo`);
    await page.locator("#log .event").first().waitFor();

    proxy.refuse();
    proxy.cut();
    await page.getByText("Connecting…").waitFor();
    await page.locator("#trouble").getByText("it comes back by itself").waitFor();
    await page.getByRole("button", { name: "Ping" }).click();
    const meanwhile = device.lines.items.length;
    const missed = await device.prints("posted reading", meanwhile);
    proxy.accept();
    await page.getByText(/^back after/).waitFor();
    expect(await page.locator("#trouble").isVisible()).toBe(false);
    await page.getByText("✓ ping").waitFor();

    await device.prints("posted reading", device.lines.items.indexOf(missed) + 1);
    const posted = () => readingsIn(device.lines.items.map((line) => line.replace("posted ", "")));
    const shown = await eventually(async () => {
      const texts = await page.locator("#log .event span").allTextContents();
      const found = readingsIn(texts).toReversed();
      return found.length >= 3 && found.at(-1) === posted().at(-1) ? found : undefined;
    }, "the newest reading");
    expect(shown).toEqual(posted().slice(-shown.length));
  });

  test("shows the terminal that its address names, also after a reload", async () => {
    await using world = await DemoWorld.start();
    for (const id of ["a-first", "kiosk.7", "z-last"]) await world.add(id);
    const { page, errors } = await world.browser.open(`${world.server.url}/demo#kiosk.7`);
    const current = page.locator('#devices [aria-current="true"]');
    await page.locator("#devices li").nth(2).waitFor();
    expect(await current.getAttribute("data-device")).toBe("kiosk.7");

    await page.locator('[data-device="z-last"]').click();
    expect(new URL(page.url()).hash).toBe("#z-last");
    await page.reload();
    await page.locator("#devices li").nth(2).waitFor();
    expect(await current.getAttribute("data-device")).toBe("z-last");

    await page.goto(`${world.server.url}/demo#kiosk.7`);
    await page.locator('[data-device="kiosk.7"][aria-current="true"]').waitFor();
    await page.goto(`${world.server.url}/demo#not-there-yet`);
    await page.getByText("Connected").waitFor();
    expect(await current.getAttribute("data-device")).toBe("kiosk.7");
    await world.add("not-there-yet");
    await page.locator('[data-device="not-there-yet"][aria-current="true"]').waitFor();
    expect(errors).toEqual([]);
  });

  test("keeps a click and the focus of a keyboard while terminals post", async () => {
    await using world = await DemoWorld.start();
    const kiosk = await world.add("kiosk-7");
    await world.add("z-last");
    const { page, errors } = await world.browser.open(`${world.server.url}/demo#kiosk-7`);
    await page.getByText("Connected").waitFor();
    const button = page.locator('[data-device="z-last"]');
    /** Shows a value in the list, so that everything was drawn anew. */
    const postAndSee = async (value: number) => {
      await kiosk.ask("POST", "/events", { body: { type: "t", data: { value } } });
      await page.locator('[data-device="kiosk-7"]').getByText(String(value)).waitFor();
    };

    await button.hover();
    await page.mouse.down();
    await postAndSee(111);
    await page.mouse.up();
    await page.locator('[data-device="z-last"][aria-current="true"]').waitFor();

    await page.locator('[data-device="kiosk-7"]').focus();
    await postAndSee(222);
    const focused = "document.activeElement.dataset.device";
    expect(await page.evaluate(focused)).toBe("kiosk-7");
    await page.keyboard.press("Enter");
    await page.locator('[data-device="kiosk-7"][aria-current="true"]').waitFor();
    expect(await page.locator("#devices li").count()).toBe(2);
    expect(errors).toEqual([]);
  });

  test.each(["#%", "#%E0%A4%A", "#constructor"])(
    "shows a terminal all the same at %s",
    async (hash) => {
      await using world = await DemoWorld.start();
      await world.add("kiosk-7");
      const { page, errors } = await world.browser.open(`${world.server.url}/demo${hash}`);
      await page.locator('[data-device="kiosk-7"][aria-current="true"]').waitFor();
      await page.getByText("Connected").waitFor();
      expect(errors).toEqual([]);
    },
  );

  test("shows what a terminal posts, whatever it calls it", async () => {
    await using world = await DemoWorld.start();
    const kiosk = await world.add("kiosk-7");
    const { page, errors } = await world.browser.open(`${world.server.url}/demo#kiosk-7`);
    await page.getByText("Connected").waitFor();
    for (const name of ["constructor", "__proto__", "toString", "ago", "light"]) {
      // As text: as an object of ours __proto__ would be something else.
      await kiosk.ask("POST", "/events", { body: `{"type":"t","data":{"${name}":7}}` });
      await page.locator("#value-name").getByText(name, { exact: true }).waitFor();
      expect(await page.locator("#value").textContent()).toBe("7");
      expect(await page.locator('[data-device="kiosk-7"]').textContent()).toBe("kiosk-77 ");
    }
    await kiosk.ask("PATCH", "/state", { body: '{"__proto__":1,"a.b[0]":2}' });
    const backend = new Backend(world.server.url, { "x-api-key": "dev" });
    await backend.send("PATCH", "/v1/devices/kiosk-7/state", { constructor: 3 });
    await page.locator("#state tr").nth(2).waitFor();
    const rows = await page.locator("#state tr").allTextContents();
    expect(rows.toSorted()).toEqual(["__proto__1", "a.b[0]2", "constructor3"]);
    expect(errors).toEqual([]);
  });

  test("fits a phone", async () => {
    await using world = await DemoWorld.start();
    await using _device = world.device();
    await using _other = world.device("a-terminal-with-quite-a-long-name-that-goes-on");
    const { page } = await world.browser.open(`${world.server.url}/demo`, 390);
    await page.locator("#devices li").nth(1).waitFor();
    await page.locator("#log .event").nth(2).waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
  });
});

test("/console in a browser posts as a terminal and listens as a phone", async () => {
  await using world = await DemoWorld.start();
  const { page, errors } = await world.browser.open(`${world.server.url}/console`);
  await page.getByRole("button", { name: "Connect" }).click();
  await page.locator("#frames").getByText('"subscribe"').last().waitFor();
  await page.getByRole("button", { name: "Post" }).click();
  await page.locator("#answers").getByText('200 {"results"').waitFor();
  await page.locator("#frames").getByText('"temperature":21.5').waitFor();
  expect(errors).toEqual([]);
});

test("/demo is not there but in development", async () => {
  await using server = await startPosthorn(EXECUTABLE);
  for (const path of ["/demo", "/demo/devices"]) {
    expect((await ask(`${server.url}${path}`)).status).toBe(404);
  }
});

test("the mini-program lists the terminal and its button is obeyed", async () => {
  await using server = await startPosthorn(EXECUTABLE, DEV);
  await using device = new DemoDevice(EXECUTABLE, "--url", server.url);
  await device.prints("posted reading");
  const config = readMiniProgram("config.js").replace(
    /192\.168\.[\d.]+:\d+/,
    new URL(server.url).host,
  );
  using program = new MiniProgram({
    files: { [SDK_PLACE]: SDK_FILES["posthorn.miniprogram.js"] ?? "", "config.js": config },
  });
  const list = program.open("pages/devices/devices");
  type Entry = { readonly id: string; readonly isOnline: boolean; readonly value: string };
  const entry = await eventually(() => {
    const [first] = list.data["devices"] as readonly Entry[];
    return first?.isOnline && first.value !== "" ? first : undefined;
  }, "the terminal with its value");
  expect(entry).toMatchObject({ id: "demo", value: expect.stringMatching(/^\d+\.\d °C$/) });
  const page = program.open("pages/device/device", { id: entry.id });
  await call(page, "send", { currentTarget: { dataset: { index: 0 } } });
  expect(page.data["answer"]).toMatchObject({ is: "ok", type: "light", text: '{"light":true}' });
  await eventually(() => page.data["light"] === "on" || undefined, "the light");
  expect(program.phone.connects).toBe(1);
  expect(program.phone.errors).toEqual([]);
});

/** A server in development, and a browser to look at it. */
class DemoWorld implements AsyncDisposable {
  readonly server: Posthorn;
  readonly browser: Chromium;

  private constructor(server: Posthorn, browser: Chromium) {
    this.server = server;
    this.browser = browser;
  }

  static async start(): Promise<DemoWorld> {
    const [server, browser] = await Promise.all([startPosthorn(EXECUTABLE, DEV), Chromium.start()]);
    return new DemoWorld(server, browser);
  }

  device(id = "demo"): DemoDevice {
    return new DemoDevice(EXECUTABLE, "--url", this.server.url, "--id", id);
  }

  /** A terminal that called once, and does nothing but what the test says. */
  async add(id: string): Promise<GuidedDevice> {
    const device = new GuidedDevice(this.server.url, { id, secret: "dev" });
    expect((await device.ask("POST", "/events", { body: { type: "hello" } })).status).toBe(200);
    return device;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
  }
}

/** The value that the page shows, once it shows one. */
async function reading(page: Page): Promise<string> {
  await page.locator("#value").getByText("°C").waitFor();
  return eventually(async () => {
    const text = (await page.locator("#value").textContent()) ?? "";
    return /^\d/.test(text) ? text : undefined;
  }, "a value");
}

/** Of lines that tell of events, the readings. */
function readingsIn(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => line.startsWith("reading "));
}
