import { addressBlock } from "../core/address-block.ts";
import { Fault, type FaultCode } from "../core/faults.ts";
import type { Glob } from "../core/glob.ts";
import { LIMITS } from "../core/limits.ts";
import type { Live } from "../core/live.ts";
import { allowsOrigin } from "../core/origins.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type { Rate } from "../core/rate-limit.ts";
import { RatesByKey } from "../core/rates-by-key.ts";
import type { Gateway } from "../ws/gateway.ts";
import { isHostForwarded } from "../ws/handshake-headers.ts";
import { NGINX_LINES } from "../ws/proxy-fixes.ts";
import type { Lifecycle } from "./lifecycle.ts";

/** What every client has to pass before it may begin, whatever carries it. */
export interface ConnectionGate {
  /** Throws `origin_denied` when a page asks that may not connect. */
  checkOrigin(request: Request, remoteAddress: string): void;
  /** Counts one more attempt of an address; throws `connection_rate_exceeded` when it is one too many. */
  checkRate(remoteAddress: string): void;
  /**
   * Throws `draining`, `clients_full` or `connections_exceeded`. Call it last: between this and the
   * client nothing may wait.
   */
  checkRoom(remoteAddress: string): void;
}

export interface ConnectionGateOptions {
  readonly lifecycle: Pick<Lifecycle, "checkServing">;
  readonly gateway: Pick<Gateway, "isFull" | "isFullFor">;
  /** How often each address may come; 0 is as often as it likes. Read for each attempt: it may change. */
  readonly addressRate: Rate;
  /** Patterns of origins whose pages may connect, beside those of our own host. */
  readonly allowedOrigins: Live<readonly Glob[]>;
  readonly clock: Clock;
  readonly log: Log;
}

const ORIGIN_MAX_CHARS = 200;

/** An address that is refused again and again for the same is logged once a minute. */
const TOLD = { rate: { perSecond: 1 / 60, burst: 1 }, keysMax: 1_000 };

export function createConnectionGate(options: ConnectionGateOptions): ConnectionGate {
  const { lifecycle, gateway, clock, log, addressRate, allowedOrigins } = options;
  const rates = new RatesByKey({ rate: addressRate, keysMax: LIMITS.addressesRemembered });
  const told = new RatesByKey(TOLD);

  function refuse(code: FaultCode, detail: string, address: string): never {
    if (told.take(`${code} ${addressBlock(address)}`, clock.monotonicMs())) {
      log.warn("handshake.failed", { code, detail, address });
    }
    throw new Fault(code, { detail });
  }

  return {
    checkOrigin({ method, url, headers }, remoteAddress) {
      const origin = headers.get("origin");
      const host = headers.get("host");
      if (allowsOrigin({ origin, host }, allowedOrigins.current)) return;
      const code = "origin_denied";
      const found = JSON.stringify(origin?.slice(0, ORIGIN_MAX_CHARS));
      const detail = `got ${found}, which clients.allowed_origins does not list and the Host header does not name`;
      const fix = [`clients.allowed_origins = [${found}]`];
      if (!isHostForwarded(headers)) fix.unshift(`nginx: ${NGINX_LINES.host}`);
      const path = new URL(url).pathname;
      const key = `${code} ${found} ${path.slice(0, ORIGIN_MAX_CHARS)} ${addressBlock(remoteAddress)}`;
      if (told.take(key, clock.monotonicMs())) {
        log.warn("handshake.failed", { code, detail, method, path, fix, address: remoteAddress });
      }
      throw new Fault(code, { detail });
    },
    checkRate(remoteAddress) {
      if (addressRate.perSecond === 0) return;
      if (rates.take(addressBlock(remoteAddress), clock.monotonicMs())) return;
      const { perSecond, burst } = addressRate;
      const detail = `at most ${burst} may connect at once and ${perSecond} per second`;
      refuse("connection_rate_exceeded", detail, remoteAddress);
    },
    checkRoom(remoteAddress) {
      lifecycle.checkServing();
      if (gateway.isFull()) throw new Fault("clients_full", { detail: "come back later" });
      if (!gateway.isFullFor(remoteAddress)) return;
      refuse("connections_exceeded", "as many as may are connected", remoteAddress);
    },
  };
}
