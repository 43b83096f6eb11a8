import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { cleanEnvironment } from "../support/clean-environment.ts";
import { DEADLINE_MS, within } from "../support/inbox.ts";
import { configure } from "../support/posthorn.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

describe.each(TARGETS)("a server of $name whose log nobody reads any more", (target) => {
  test("goes on serving, and ends when it is told to", async () => {
    await using workspace = await Workspace.make();
    await configure(workspace);
    const child = Bun.spawn([...target.command, "serve", "--port", "0"], {
      cwd: workspace.path,
      env: cleanEnvironment(),
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    try {
      const url = await within(untilListening(child.stdout), "the server");
      await child.stderr.cancel();
      for (let n = 0; n < 20; n += 1) {
        // A refusal is logged.
        const refused = await fetch(`${url}/v1/devices/till-1/events`, {
          method: "POST",
          signal: AbortSignal.timeout(DEADLINE_MS),
        });
        expect(refused.status).toBe(401);
      }
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
      child.kill("SIGTERM");
      expect(await within(child.exited, "the end of the server")).toBe(0);
    } finally {
      child.kill("SIGKILL");
    }
  });
});

/** Reads until the server tells where it listens, and then no more. */
async function untilListening(output: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of output) {
    text += decoder.decode(chunk, { stream: true });
    const url = /"server\.listening".*"urls":\["([^"]+)"/.exec(text)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`the server ended before it listened: ${text}`);
}
