import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type { CertificateSource, OfferedCertificate } from "./certificate-source.ts";
import type { Finding } from "./finding.ts";
import {
  detailOf,
  hostLost,
  inWords,
  isPremature,
  isUsable,
  missingBy,
  placed,
} from "./fitness.ts";
import { namesCover } from "./host-names.ts";
import { type LoadedTls, lintCertificate } from "./lint-certificate.ts";

/** How a certificate stands, for whoever watches the server. */
export interface CertificateState {
  /** The table of the configuration that it is from. */
  readonly name: string;
  /** Whether it is in service; if not, it has no hosts and no end. */
  readonly isServed: boolean;
  readonly hosts: readonly string[];
  /** 0 where none is in service. */
  readonly expiresAtMs: number;
  /** When the one in service was read. */
  readonly loadedAtMs: number;
  /** Whether its source has nothing newer that cannot be used. */
  readonly isNewest: boolean;
  /** Since the start: how often another was taken into service, and how often none could be. */
  readonly reloads: number;
  readonly reloadsFailed: number;
}

export interface KeepingParts {
  readonly publicHosts: readonly string[];
  /** It is for whoever names nothing known: no server is without it, and the public hosts are its matter. */
  readonly isFirst: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Refreshing {
  /** Says also what it has said. */
  readonly tellAgain: boolean;
  /** Whether another certificate in service is for a host. */
  readonly isCoveredByOthers: (host: string) => boolean;
}

/** What came of a look at the source. */
export type Refreshed = "same" | "changed" | "failed";

/**
 * One certificate in service. What replaces it must be fit for use, and no worse than it is; else it stays.
 * One of several that is of no use at the start is out of service until its source has another.
 */
export class KeptCertificate {
  readonly #source: CertificateSource;
  readonly #parts: KeepingParts;
  #offered: OfferedCertificate;
  /** What is to be served, and what the listeners have until then. */
  #loaded: LoadedTls;
  #served: LoadedTls;
  #loadedAtMs: number;
  /** What the source has that cannot be used, so that it is told of once. */
  #refused: string | undefined;
  /** Why the listeners could not have it, so that it is told of once. */
  #unserved: string | undefined;
  #reloads = 0;
  #reloadsFailed = 0;

  private constructor(
    source: CertificateSource,
    parts: KeepingParts,
    { offered, loaded, refused }: Candidate & { readonly refused: string | undefined },
  ) {
    this.#source = source;
    this.#parts = parts;
    this.#offered = offered;
    this.#loaded = loaded;
    this.#served = loaded;
    this.#refused = refused;
    this.#loadedAtMs = parts.clock.nowMs();
  }

  /**
   * Reads it for the first time; it may be unfit, which `loaded.findings` say. Rejects with a `Fault` when
   * the first of all cannot be read.
   */
  static async read(source: CertificateSource, parts: KeepingParts): Promise<KeptCertificate> {
    const offered = await source.read().catch((error) => {
      if (parts.isFirst || !(error instanceof Fault)) throw error;
      return error;
    });
    if (offered instanceof Fault) {
      const loaded = missingBy(source, offered);
      const none = { cert: "", key: "", findings: [] };
      return new KeptCertificate(source, parts, {
        ...{ offered: none, loaded, refused: detailOf(offered) },
      });
    }
    const loaded = await lint(source, parts, offered);
    const refused = isUsable(loaded) ? undefined : textOf(offered);
    return new KeptCertificate(source, parts, { offered, loaded, refused });
  }

  get name(): string {
    return this.#source.name;
  }

  /** Whether it only keeps the place of one that is to come. */
  get isMeantime(): boolean {
    return this.#offered.isMeantime ?? false;
  }

  /** Whether clients get it. The first one is there in any case, or no server is. */
  get isServed(): boolean {
    return this.#parts.isFirst || isUsable(this.#loaded);
  }

  /** Whether it was taken, and no listener has it yet. */
  get isAwaited(): boolean {
    return this.#loaded !== this.#served;
  }

  get loaded(): LoadedTls {
    return this.#loaded;
  }

  get state(): CertificateState {
    const isServed = this.#parts.isFirst || isUsable(this.#served);
    return {
      name: this.name,
      isServed,
      hosts: isServed ? this.#served.hosts.map(({ value }) => value) : [],
      expiresAtMs: isServed ? this.#served.expiresAtMs : 0,
      loadedAtMs: this.#loadedAtMs,
      isNewest: this.#refused === undefined && !this.isAwaited,
      reloads: this.#reloads,
      reloadsFailed: this.#reloadsFailed,
    };
  }

  watch(changed: () => void): () => void {
    return this.#source.watch(changed);
  }

  /** Looks at it as of now: time passes also where nothing changes. */
  async inspectAgain(): Promise<readonly Finding[]> {
    return (await lint(this.#source, this.#parts, this.#offered)).findings;
  }

  /** Takes what the source has now, if it is another and fit for use. The listeners are still to have it. */
  async refresh(refreshing: Refreshing): Promise<Refreshed> {
    const look = await this.#lookPatiently(refreshing);
    if (look.kind === "unfit") return this.#refuse(look, refreshing);
    if (look.kind === "same") {
      if (this.#refused !== undefined) this.#parts.log.info("tls.recovered", this.#inService());
      this.#refused = undefined;
      return "same";
    }
    this.#refused = undefined;
    this.#offered = look.offered;
    this.#loaded = look.loaded;
    return "changed";
  }

  /** The listeners have what was taken. */
  confirm(): void {
    this.#served = this.#loaded;
    this.#unserved = undefined;
    this.#loadedAtMs = this.#parts.clock.nowMs();
    this.#reloads += 1;
  }

  /** The listeners could not have what was taken; that is tried again. */
  fail(error: unknown): void {
    this.#reloadsFailed += 1;
    const detail = error instanceof Error ? error.message : String(error);
    if (this.#unserved === detail) return;
    this.#unserved = detail;
    this.#parts.log.error("tls.reload_failed", { ...this.#inService(), detail });
  }

  /** What is half written is whole a moment later. */
  async #lookPatiently(refreshing: Refreshing): Promise<Look> {
    const retriesMax: number = LIMITS.certificateRetriesMax;
    for (let more = retriesMax; ; more -= 1) {
      const look = await this.#look(refreshing);
      if (look.kind !== "unfit" || more === 0) return look;
      if (look.seen === this.#refused && !refreshing.tellAgain) return look;
      this.#tellIncomplete(look, refreshing.tellAgain && more === retriesMax);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#parts.clock.after(LIMITS.certificateRetryMs, resolve);
      await promise;
    }
  }

  /** Whoever asked for it hears at once that it is not over yet; of the others nobody waits. */
  #tellIncomplete({ findings }: Unfit, isAwaited: boolean): void {
    const { log } = this.#parts;
    const { detail } = inWords(findings);
    const fields = { certificate: this.name, detail, againAfterMs: LIMITS.certificateRetryMs };
    if (isAwaited) log.warn("tls.incomplete", fields);
    else log.debug("tls.incomplete", fields);
  }

  async #look({ isCoveredByOthers }: Refreshing): Promise<Look> {
    let offered: OfferedCertificate;
    try {
      offered = await this.#source.read();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const { findings } = missingBy(this.#source, error);
      return { kind: "unfit", seen: detailOf(error), findings };
    }
    const seen = textOf(offered);
    const isSame = seen === textOf(this.#offered);
    if (isSame && isUsable(this.#loaded)) return { kind: "same" };
    const loaded = await lint(this.#source, this.#parts, offered);
    const errors = loaded.findings.filter(({ severity }) => severity === "error");
    const findings = errors.length > 0 ? errors : this.#lossesBy(loaded, isCoveredByOthers);
    return findings.length > 0
      ? { kind: "unfit", seen, findings }
      : { kind: "fit", offered, loaded };
  }

  /** What clients would lose that have it as long as this one is valid. What it is too early for is looked at again. */
  #lossesBy(loaded: LoadedTls, isCoveredByOthers: (host: string) => boolean): readonly Finding[] {
    const { publicHosts, clock } = this.#parts;
    const isValid = this.#loaded.expiresAtMs > clock.nowMs() && !isPremature(this.#loaded);
    if (!isValid || !this.isServed || this.isMeantime) return [];
    const lost = publicHosts.filter(
      (host) =>
        namesCover(this.#loaded.hosts, host) &&
        !namesCover(loaded.hosts, host) &&
        !isCoveredByOthers(host),
    );
    return [
      ...lost.map((host) => placed(this.#source, hostLost(host))),
      ...loaded.findings.filter(({ code }) => code === "certificate_premature"),
    ];
  }

  #refuse({ seen, findings }: Unfit, { tellAgain }: Refreshing): "failed" {
    const isTold = this.#refused === seen && !tellAgain;
    this.#refused = seen;
    this.#reloadsFailed += 1;
    if (isTold) return "failed";
    const fields = { ...this.#inService(), ...inWords(findings) };
    this.#parts.log.error("tls.reload_failed", fields);
    return "failed";
  }

  /** The one that clients get meanwhile, if there is one. */
  #inService() {
    const { isServed, name: certificate, expiresAtMs } = this.state;
    const expires = new Date(expiresAtMs).toISOString();
    return isServed ? { certificate, expires } : { certificate, isServed };
  }
}

function textOf({ cert, key }: OfferedCertificate): string {
  return `${cert}\n${key}`;
}

interface Candidate {
  readonly offered: OfferedCertificate;
  readonly loaded: LoadedTls;
}

interface Unfit {
  readonly kind: "unfit";
  /** What it was that could not be used. */
  readonly seen: string;
  readonly findings: readonly Finding[];
}

type Look = { readonly kind: "same" } | ({ readonly kind: "fit" } & Candidate) | Unfit;

async function lint(
  source: CertificateSource,
  { publicHosts, isFirst, clock }: KeepingParts,
  offered: OfferedCertificate,
): Promise<LoadedTls> {
  const loaded = await lintCertificate(offered, {
    section: source.name,
    publicHosts: isFirst ? publicHosts : [],
    now: new Date(clock.nowMs()),
  });
  return { ...loaded, findings: loaded.findings.map((it) => placed(source, it)) };
}
