import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { rm, writeFile } from "node:fs/promises";
import { BACKEND_KEY } from "../support/backend.ts";
import { confined } from "../support/confined.ts";
import { Fleet } from "../support/fleet.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import type { GuidedDevice } from "../support/guided-device.ts";
import { eventually } from "../support/inbox.ts";
import { BLACK_BOX_TIMEOUT_MS, EXECUTABLE, TARGETS, type Target } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const DISK = "8m";
const BALLAST_BYTES = 7 * 1024 * 1024;
const EVENTS_MAX = 2_000;
const CHANNELS = { news: { allow_subscribe: true }, device: {} };

/** The executable first: the others share its store. */
const STORES: readonly Target[] = [EXECUTABLE, ...TARGETS.filter(({ name }) => name === "deno")];

describe.each(STORES)("a full disk under $name", (target) => {
  test("has posts refused with 507, loses nothing that was acknowledged, lets live publications through, and heals", async () => {
    const prelude = `mkdir -p data; mount -t tmpfs -o size=${DISK} posthorn data`;
    const small = confined(target, { own: "m", prelude });
    await using fleet = await Fleet.start(small, { channels: CHANNELS });
    const till = await fleet.addDevice("till-1");
    using listener = await FrameSocket.open(`${fleet.server.wsUrl}/connection/websocket`, {
      pongs: true,
    });
    await listener.command({ connect: { token: signToken({ sub: "u" }) } });
    await listener.command({ subscribe: { channel: "news:live" } });

    const ballast = `/proc/${fleet.server.pid}/root${fleet.server.workspace.file("data/ballast")}`;
    await writeFile(ballast, "x".repeat(BALLAST_BYTES));
    const stored = new Map<string, number>();
    const refusal = await postUntilRefused(till, stored);
    expect([refusal.status, refusal.headers.get("retry-after")]).toEqual([507, "1"]);
    expect(refusal.body).toMatchObject({ code: "store_full", detail: "the disk is full" });
    const readiness = await fetch(`${fleet.server.url}/readyz`);
    expect([readiness.status, (await readiness.json()).code]).toEqual([507, "store_full"]);
    expect((await fetch(`${fleet.server.url}/healthz`)).status).toBe(200);

    const published = await fetch(`${fleet.server.url}/api/publish`, {
      method: "POST",
      headers: { "x-api-key": BACKEND_KEY },
      body: JSON.stringify({ channel: "news:live", data: { live: true } }),
    });
    expect(await published.json()).toMatchObject({ result: {} });
    await listener.line(({ push }) => push?.channel === "news:live", "the live publication");
    expect(fleet.server.logged("store.failed")).toHaveLength(1);

    await rm(ballast);
    await eventually(
      async () => {
        const { status } = await fetch(`${fleet.server.url}/readyz`);
        return status === 200 || undefined;
      },
      "a store that stores again",
      5_000,
    );
    expect(stored.size).toBeGreaterThan(0);
    for (const [id, offset] of stored) {
      const { body } = await till.ask("POST", "/events", { body: eventOf(id) });
      expect(body["results"]).toEqual([{ id, duplicate: true, offset }]);
    }
    const next = await till.ask("POST", "/events", { body: eventOf("next") });
    expect(next.body["results"]).toEqual([
      { id: "next", offset: Math.max(...stored.values()) + 1 },
    ]);
  });
});

function eventOf(id: string) {
  return { id, type: "t", data: id.padEnd(2_000, "x") };
}

/** Posts event after event and notes what is acknowledged; gives the first refusal. */
async function postUntilRefused(till: GuidedDevice, stored: Map<string, number>) {
  for (let n = 0; n < EVENTS_MAX; n += 1) {
    const answer = await till.ask("POST", "/events", { body: eventOf(`e-${n}`) });
    if (answer.status !== 200) return answer;
    const results = answer.body["results"] as readonly { readonly offset: number }[];
    stored.set(`e-${n}`, results[0]?.offset ?? 0);
  }
  throw new Error(`${EVENTS_MAX} events fit on a disk of ${DISK}`);
}
