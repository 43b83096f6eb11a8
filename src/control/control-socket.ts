import { chmodSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { ControlChannel } from "./control-channel.ts";

/** Addresses of Unix sockets have this many bytes, and a zero behind. */
const PATH_MAX_BYTES = 107;

/** Where the server of a store can be talked to. */
export function controlPathOf(storeFile: string): string {
  return join(dirname(storeFile), "posthorn.control");
}

/**
 * Listens for other processes of whoever runs this one, and of root. What was at `path` is replaced, so
 * only the one server of a store may call it. Rejects where no such socket can be.
 */
export async function listenForControl(
  path: string,
  talk: (channel: ControlChannel) => void,
): Promise<AsyncDisposable> {
  const server = createServer((socket) => talk(new ControlChannel(socket)));
  // In a directory that nobody else may enter it has no moment in which its mode is wrong.
  const cradle = mkdtempSync(join(dirname(path), ".control-"));
  try {
    const born = join(cradle, "s");
    if (new TextEncoder().encode(born).byteLength > PATH_MAX_BYTES) {
      throw new Error(`Cannot listen at ${path}: the path is too long for a socket`);
    }
    await listening(server, born);
    chmodSync(born, 0o600);
    renameSync(born, path);
  } catch (error) {
    server.close();
    throw error;
  } finally {
    rmSync(cradle, { recursive: true, force: true });
  }
  return {
    async [Symbol.asyncDispose]() {
      rmSync(path, { force: true });
      // Does not wait for channels that are open: they may be what this process still lives for.
      server.close();
    },
  };
}

/** Reaches the server of a store; undefined when none is there. Rejects when we may not. */
export async function reachControl(path: string): Promise<ControlChannel | undefined> {
  const socket = connect(path);
  const { promise, resolve, reject } = Promise.withResolvers<ControlChannel | undefined>();
  const channel = new ControlChannel(socket);
  socket.on("connect", () => resolve(channel));
  socket.on("error", (error: Error & { readonly code?: string }) => {
    if (error.code === "ENOENT" || error.code === "ECONNREFUSED") resolve(undefined);
    else reject(error);
  });
  return await promise;
}

async function listening(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(path, resolve);
  await promise;
}
