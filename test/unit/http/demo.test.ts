import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { Hono } from "hono";
import type { DeviceId } from "../../../src/core/device-id.ts";
import type { Device } from "../../../src/core/devices.ts";
import type { Caller } from "../../../src/http/app-env.ts";
import { bindConsole } from "../../../src/http/console.ts";
import { bindDemo } from "../../../src/http/demo.ts";
import { REMEDIES } from "../../../src/sdk/remedies.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const DEVICE: Device = {
  id: "kiosk-7" as DeviceId,
  name: "Lobby",
  meta: '{"private":true}',
  enrollment: "closed",
  createdAtMs: 1,
  online: true,
  generation: 1,
};

function world() {
  const app = new Hono<{ Bindings: Caller }>();
  bindConsole(app);
  bindDemo(app, { devices: { list: async () => [DEVICE] }, clock: new FakeClock() });
  return app;
}

test.each(["/demo", "/console"])(
  "%s may run its own script and style, and no other",
  async (path) => {
    const answer = await world().request(path);
    expect(answer.headers.get("content-type")).toContain("text/html");
    const html = await answer.text();
    const policy = answer.headers.get("content-security-policy") ?? "";
    for (const element of ["script", "style"]) {
      const inline = [...html.matchAll(new RegExp(`<${element}[^>]*>([^]*?)</${element}>`, "g"))];
      const [content = ""] = inline.map((match) => match[1]);
      expect([inline.length, content.length > 0]).toEqual([1, true]);
      expect(policy).toContain(
        `${element}-src 'sha256-${createHash("sha256").update(content).digest("base64")}'`,
      );
    }
    expect(policy).toStartWith("default-src 'none'; connect-src 'self'; ");
    expect(policy).not.toContain("unsafe");
    // Nothing of another origin, and no inline handler or style, which the policy would block.
    expect(html).not.toMatch(/https?:\/\/|<[^>]+ (?:on\w+|style)=/);
  },
);

test("/demo has a Chinese name for every cause of trouble", async () => {
  const html = await (await world().request("/demo")).text();
  const unnamed = Object.keys(REMEDIES.zh).filter(
    (cause) => !new RegExp(`\\b${cause}: "\\p{Script=Han}`, "u").test(html),
  );
  expect(unnamed).toEqual([]);
});

test("/demo/devices tells what the devices are called and whether they are there, and no more", async () => {
  const answer = await world().request("/demo/devices");
  expect(await answer.json()).toEqual({
    devices: [{ id: "kiosk-7", name: "Lobby", online: true }],
    server_time: expect.any(Number),
  });
});
