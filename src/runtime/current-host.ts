import type { Host } from "../core/ports/host.ts";
import type { Log } from "../core/ports/log.ts";

/** Loads the host of the runtime we are in, and no other. */
export async function currentHost(log: Log): Promise<Host<Request, Response>> {
  if ("Deno" in globalThis) return (await import("./deno.ts")).createDenoHost(log);
  if ("Bun" in globalThis) return (await import("./bun.ts")).createBunHost(log);
  throw new Error("Cannot start: this runtime is neither Bun nor Deno");
}
