import { Fault } from "../core/faults.ts";
import { parseGlob } from "../core/glob.ts";
import { allowsOrigin } from "../core/origins.ts";
import type { Log } from "../core/ports/log.ts";
import type { Gateway } from "../ws/gateway.ts";
import { isHostForwarded } from "../ws/handshake-headers.ts";
import { NGINX_LINES } from "../ws/proxy-fixes.ts";
import type { Lifecycle } from "./lifecycle.ts";

/** What every client has to pass before it may begin, whatever carries it. */
export interface ConnectionGate {
  /** Throws `origin_denied` when a page asks that may not connect. */
  checkOrigin(request: Request, remoteAddress: string): void;
  /** Throws `draining` or `clients_full`. Call it last: between this and the client nothing may wait. */
  checkRoom(): void;
}

export interface ConnectionGateOptions {
  readonly lifecycle: Pick<Lifecycle, "checkServing">;
  readonly gateway: Pick<Gateway, "isFull">;
  /** Patterns of origins whose pages may connect, beside those of our own host. */
  readonly allowedOrigins: readonly string[];
  readonly log: Log;
}

const ORIGIN_MAX_CHARS = 200;

export function createConnectionGate(options: ConnectionGateOptions): ConnectionGate {
  const { lifecycle, gateway, log } = options;
  const allowedOrigins = options.allowedOrigins.map((pattern) => parseGlob(pattern.toLowerCase()));
  return {
    checkOrigin({ method, url, headers }, remoteAddress) {
      const origin = headers.get("origin");
      const host = headers.get("host");
      if (allowsOrigin({ origin, host }, allowedOrigins)) return;
      const code = "origin_denied";
      const found = JSON.stringify(origin?.slice(0, ORIGIN_MAX_CHARS));
      const detail = `got ${found}, which clients.allowed_origins does not list and the Host header does not name`;
      const fix = [`clients.allowed_origins = [${found}]`];
      if (!isHostForwarded(headers)) fix.unshift(`nginx: ${NGINX_LINES.host}`);
      const path = new URL(url).pathname;
      log.warn("handshake.failed", { code, detail, method, path, fix, address: remoteAddress });
      throw new Fault(code, { detail });
    },
    checkRoom() {
      lifecycle.checkServing();
      if (gateway.isFull()) throw new Fault("clients_full", { detail: "come back later" });
    },
  };
}
