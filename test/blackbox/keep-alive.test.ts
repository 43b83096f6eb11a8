import { expect, setDefaultTimeout, test } from "bun:test";
import { createConnection, type Socket } from "node:net";
import { within } from "../support/inbox.ts";
import { startPosthorn } from "../support/posthorn.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS, type Target } from "../support/targets.ts";

/** A terminal that posts every few minutes must not pay for a connection each time. */
const IDLE_MS = 4 * 60 * 1000 + 2_000;

setDefaultTimeout(IDLE_MS + BLACK_BOX_TIMEOUT_MS);

// The time itself is the promise, so this one waits for it; all targets at once.
test("a connection that was idle for 4 minutes still answers, on every target", async () => {
  const answers = await Promise.all(TARGETS.map((target) => askTwice(target)));
  expect(answers).toEqual(TARGETS.map(() => ["HTTP/1.1 200 OK", "HTTP/1.1 200 OK"]));
});

async function askTwice(target: Target): Promise<readonly string[]> {
  await using server = await startPosthorn(target);
  const socket = createConnection(server.port, "127.0.0.1");
  try {
    const first = await ask(socket);
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    return [first, await ask(socket)];
  } finally {
    socket.destroy();
  }
}

/** The status line of one answer on this very connection. */
function ask(socket: Socket): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  socket.once("data", (chunk) => resolve(String(chunk).split("\r\n", 1)[0] ?? ""));
  socket.once("error", reject);
  socket.once("close", () => reject(new Error("the connection was closed")));
  socket.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return within(promise, "an answer");
}
