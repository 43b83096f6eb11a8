import { backoffMs, withJitter } from "../core/backoff.ts";
import { detach } from "../core/detach.ts";
import type { Cancel, Clock } from "../core/ports/clock.ts";
import type { Entropy } from "../core/ports/entropy.ts";
import type { Log } from "../core/ports/log.ts";
import type { Metrics } from "../core/ports/metrics.ts";
import { type AccountKey, makeAccountKey, readAccountKey } from "./account-key.ts";
import { AcmeFailure } from "./acme-failure.ts";
import type { AcmeFiles } from "./acme-files.ts";
import { Authority, type AuthorityParts } from "./authority.ts";
import { type CertificatePair, isFor, readPair } from "./certificate-pair.ts";
import type { Challenges } from "./challenges.ts";
import { ACME_LIMITS } from "./limits.ts";
import type { ObtainedCertificate } from "./obtained-certificate.ts";
import { type OrderOptions, orderCertificate } from "./order.ts";
import { askAdvice, certificateId } from "./renewal-advice.ts";
import { orderAllowedAtMs, recentOrders, renewAtMs } from "./renewal-time.ts";

export interface RenewalsParts
  extends AuthorityParts,
    Pick<OrderOptions, "names" | "email" | "external"> {
  readonly obtained: ObtainedCertificate;
  readonly files: AcmeFiles;
  readonly challenges: Challenges;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "count">;
}

interface Advised {
  readonly pair: CertificatePair;
  readonly renewAtMs: number | undefined;
  readonly goodUntilMs: number;
}

/**
 * Orders a certificate when there is none, none for all names, or one that is to be renewed.
 *
 * Of those who share the files only one may run. What is in service stays so until there is another,
 * and an authority that refuses is asked ever less often, at most `ordersPerHour` also over restarts.
 */
export class Renewals implements Disposable {
  readonly #parts: RenewalsParts;
  readonly #stopping = new AbortController();
  #timer: Cancel | undefined;
  #isLooking = false;
  #isHurried = false;
  #failures = 0;
  /** Our own pause after a failure, and the one that the authority asked for. */
  #pausedUntilMs = 0;
  #refusedUntilMs = 0;
  #chance: { readonly pair: CertificatePair; readonly fraction: number } | undefined;
  #advised: Advised | undefined;
  #toldHeldUntilMs = 0;

  constructor(parts: RenewalsParts) {
    this.#parts = parts;
  }

  /** From now on certificates are looked after. */
  start(): this {
    const { obtained, names, log } = this.#parts;
    if (obtained.pair === undefined) {
      const { unfit } = obtained;
      log.warn("acme.waiting", { hosts: names.slice(0, 10), ...(unfit && { unfit }) });
    }
    this.#look();
    return this;
  }

  /** Tries again now what failed, as far as the authority allows: somebody has mended something. */
  hurry(): void {
    this.#pausedUntilMs = 0;
    this.#toldHeldUntilMs = 0;
    if (this.#isLooking) this.#isHurried = true;
    else this.#look();
  }

  [Symbol.dispose](): void {
    this.#stopping.abort();
    this.#timer?.();
  }

  #look(): void {
    const { log, clock } = this.#parts;
    this.#timer?.();
    this.#isLooking = true;
    detach(log, "acme", async () => {
      let waitMs: number = ACME_LIMITS.lookMs;
      try {
        waitMs = await this.#step();
      } finally {
        this.#isLooking = false;
        const nextMs = this.#isHurried ? 0 : Math.min(Math.max(waitMs, 0), ACME_LIMITS.lookMs);
        this.#isHurried = false;
        if (!this.#stopping.signal.aborted) {
          this.#timer = clock.after(nextMs, () => this.#look());
        }
      }
    });
  }

  /** Does what there is to do, and gives when to look again. */
  async #step(): Promise<number> {
    const { obtained, clock } = this.#parts;
    await obtained.lookAgain();
    const dueInMs = (await this.#dueAtMs(obtained.pair)) - clock.nowMs();
    if (dueInMs > 0) return dueInMs;
    const allowedInMs = (await this.#allowedAtMs()) - clock.nowMs();
    if (allowedInMs > 0) return allowedInMs;
    return await this.#order();
  }

  async #dueAtMs(pair: CertificatePair | undefined): Promise<number> {
    const { names, entropy } = this.#parts;
    if (pair === undefined || !isFor(pair, names)) return 0;
    if (this.#chance?.pair !== pair) this.#chance = { pair, fraction: entropy.fraction() };
    const { notBefore, notAfter } = pair.leaf;
    const life = { notBeforeMs: notBefore.getTime(), notAfterMs: notAfter.getTime() };
    const atMs = renewAtMs(life, this.#chance.fraction);
    if (atMs <= this.#parts.clock.nowMs()) return atMs;
    return Math.min(atMs, (await this.#advisedAtMs(pair)) ?? atMs);
  }

  /** The authority's own word, which is never later than ours is heeded; what keeps it from us is no matter. */
  async #advisedAtMs(pair: CertificatePair): Promise<number | undefined> {
    const { clock, log } = this.#parts;
    const isKnown = this.#advised?.pair === pair && clock.nowMs() < this.#advised.goodUntilMs;
    if (!isKnown) {
      try {
        this.#advised = await this.#askAdvice(pair);
      } catch (error) {
        if (!(error instanceof AcmeFailure)) throw error;
        log.debug("acme.unadvised", { detail: error.message });
        this.#advised = advisedFor(pair, clock.nowMs());
      }
    }
    return this.#advised?.renewAtMs;
  }

  async #askAdvice(pair: CertificatePair): Promise<Advised> {
    const { clock, entropy } = this.#parts;
    const id = certificateId(pair.leaf);
    const authority = await Authority.find(this.#parts, await this.#accountKey());
    const advice = id === undefined ? undefined : await askAdvice(authority, id);
    if (advice === undefined) return advisedFor(pair, clock.nowMs());
    const { fromMs, toMs, goodForMs } = advice;
    const atMs = fromMs + (toMs - fromMs) * entropy.fraction();
    return { pair, renewAtMs: atMs, goodUntilMs: clock.nowMs() + goodForMs };
  }

  async #allowedAtMs(): Promise<number> {
    const { clock, files, log } = this.#parts;
    const nowMs = clock.nowMs();
    const rateAtMs = orderAllowedAtMs(await files.orders(), nowMs);
    const heldUntilMs = Math.max(rateAtMs, this.#refusedUntilMs);
    if (heldUntilMs > nowMs && heldUntilMs !== this.#toldHeldUntilMs) {
      this.#toldHeldUntilMs = heldUntilMs;
      log.warn("acme.held", { until: new Date(heldUntilMs).toISOString() });
    }
    return Math.max(heldUntilMs, this.#pausedUntilMs);
  }

  /** Gives when to look again. */
  async #order(): Promise<number> {
    const { obtained, metrics, log } = this.#parts;
    try {
      const pair = await this.#obtain();
      await obtained.take(pair);
      const expires = pair.leaf.notAfter.toISOString();
      const hosts = pair.leaf.hosts.map(({ value }) => value).slice(0, 10);
      metrics.count("posthorn_certificate_orders_total", { outcome: "done" });
      log.info("acme.obtained", { hosts, issuer: pair.leaf.issuer, expires });
      this.#failures = 0;
      return 0;
    } catch (error) {
      if (this.#stopping.signal.aborted) return 0;
      metrics.count("posthorn_certificate_orders_total", { outcome: "failed" });
      return this.#fail(error);
    }
  }

  async #obtain(): Promise<CertificatePair> {
    const { files, clock, obtained } = this.#parts;
    const nowMs = clock.nowMs();
    const before = recentOrders(await files.orders(), nowMs);
    await files.keepOrders([...before, nowMs]);
    const stopped = this.#stopping.signal;
    const key = await this.#accountKey();
    const authority = await Authority.find(this.#parts, key);
    const replaces = obtained.pair && certificateId(obtained.pair.leaf);
    const made = await orderCertificate(authority, { ...this.#parts, key, replaces, stopped });
    const pair = await readPair(made, clock.nowMs());
    if ("unfit" in pair) throw unfitAnswer(pair.unfit);
    if (!isFor(pair, this.#parts.names)) throw unfitAnswer("it is not for all of acme.domains");
    // Whoever follows us looks after the files by now.
    stopped.throwIfAborted();
    return pair;
  }

  #fail(error: unknown): number {
    const { clock, entropy, log, obtained } = this.#parts;
    this.#failures += 1;
    const nowMs = clock.nowMs();
    const pauseMs = withJitter(backoffMs(ACME_LIMITS.retry, this.#failures), entropy.fraction());
    this.#pausedUntilMs = nowMs + pauseMs;
    const { message, remedy, retryAfterMs = 0 } = toTold(error);
    this.#refusedUntilMs = nowMs + Math.min(retryAfterMs, ACME_LIMITS.retryAfterMaxMs);
    const againAtMs = Math.max(this.#pausedUntilMs, this.#refusedUntilMs);
    log.error("acme.failed", {
      ...{ detail: message, remedy, failures: this.#failures },
      again: new Date(againAtMs).toISOString(),
      expires: obtained.pair?.leaf.notAfter.toISOString() ?? "there is none yet",
    });
    return againAtMs - nowMs;
  }

  async #accountKey(): Promise<AccountKey> {
    const { files } = this.#parts;
    const kept = await files.account();
    const pem = kept ?? (await makeAccountKey());
    if (kept === undefined) await files.keepAccount(pem);
    return await readAccountKey(pem);
  }
}

function advisedFor(pair: CertificatePair, nowMs: number): Advised {
  return { pair, renewAtMs: undefined, goodUntilMs: nowMs + ACME_LIMITS.adviceMs };
}

function unfitAnswer(why: string): AcmeFailure {
  const remedy =
    "Tell the authority, or use another; if it is not valid yet, set this machine's clock";
  return new AcmeFailure(`Cannot use the certificate that the authority gave: ${why}`, { remedy });
}

function toTold(error: unknown): Pick<AcmeFailure, "message" | "remedy" | "retryAfterMs"> {
  if (error instanceof AcmeFailure) return error;
  const message = error instanceof Error ? error.message : String(error);
  const remedy = "Look at the directory server.data: its rights, and whether its disk is full";
  return { message, remedy, retryAfterMs: undefined };
}
