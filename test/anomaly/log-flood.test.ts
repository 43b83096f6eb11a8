import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Fleet } from "../support/fleet.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const REQUESTS = 3_000;
const AT_A_TIME = 50;
const LINES_MAX = 1_500;
const LINE_MAX_CHARS = 8 * 1024;

describe.each(TARGETS)("a flood of requests that $name refuses", (target) => {
  test("leaves a log that is bounded, in lines of JSON that are bounded, and says what is left out", async () => {
    await using fleet = await Fleet.start(target);
    const { server } = fleet;
    const path = `/%0d%0a%1b[31m${"p".repeat(1_000)}`;
    for (let done = 0; done < REQUESTS; done += AT_A_TIME) {
      const asked = Array.from({ length: AT_A_TIME }, async (_, n) => {
        const headers = { "user-agent": "u".repeat(2_000), "x-api-key": `wrong-${done}-${n}` };
        const answer = await fetch(`${server.url}${n % 2 ? path : "/v1/devices"}`, { headers });
        await answer.text();
      });
      await Promise.all(asked);
    }
    // The next second tells what the one before left out.
    await Bun.sleep(1_100);
    await (await fetch(`${server.url}${path}`)).text();
    expect(await server.stop()).toBe(0);
    const lines = server.output.trimEnd().split("\n");
    expect(lines.length).toBeLessThan(LINES_MAX);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(LINE_MAX_CHARS);
    // Each is one JSON object, or `logs` would not have taken it; nothing of the sort a terminal obeys.
    expect(server.logs.items.length).toBe(lines.length);
    expect(server.output.includes("\x1b")).toBe(false);
    expect(server.output).toContain("suppressed");
  });
});
