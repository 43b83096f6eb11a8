import { detach } from "../core/detach.ts";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { Cancel, Clock } from "../core/ports/clock.ts";
import type { ServedCertificate } from "../core/ports/host.ts";
import type { Log } from "../core/ports/log.ts";
import { inspectShared, toServed } from "./certificate-names.ts";
import type { CertificateSource } from "./certificate-source.ts";
import type { Finding, FindingCode } from "./finding.ts";
import { placedText } from "./fitness.ts";
import { namesCover } from "./host-names.ts";
import { type CertificateState, KeptCertificate } from "./kept-certificate.ts";

export interface ServingParts {
  /** The first one's certificate is for whoever names nothing, or nothing known. */
  readonly sources: readonly [CertificateSource, ...CertificateSource[]];
  /** The hosts clients dial, as `URL.hostname` gives them: one of the certificates has to be for each. */
  readonly publicHosts: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

/** What a listener needs. */
export type Certificates = readonly [ServedCertificate, ...ServedCertificate[]];

/** What time alone brings about; a server that runs does not end of it, so it may start with it too. */
const ENDING: readonly FindingCode[] = ["certificate_expiring", "certificate_expired"];

/** Every certificate in service, each followed to its source's newest. */
export class ServedCertificates implements Disposable {
  readonly #parts: ServingParts;
  readonly #kept: readonly [KeptCertificate, ...KeptCertificate[]];
  readonly #cancels: Cancel[] = [];
  #replace: ((certificates: Certificates) => Promise<void>) | undefined;
  #settling: Cancel | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #next: Promise<boolean> | undefined;
  #tellAgain = false;

  private constructor(parts: ServingParts, kept: readonly [KeptCertificate, ...KeptCertificate[]]) {
    this.#parts = parts;
    this.#kept = kept;
  }

  /** Reads and inspects all of them; they may be unfit, see `admit`. */
  static async read(parts: ServingParts): Promise<ServedCertificates> {
    const [first, ...others] = parts.sources;
    const { publicHosts, clock, log } = parts;
    const read = (source: CertificateSource, isFirst: boolean) =>
      KeptCertificate.read(source, { publicHosts, isFirst, clock, log });
    const kept = await Promise.all([
      read(first, true),
      ...others.map((source) => read(source, false)),
    ] as const);
    return new ServedCertificates(parts, kept);
  }

  /**
   * Logs what is wrong with them, and throws a `Fault` for what no server may start with: a first one that
   * cannot be used. Without another of them it serves, and with one that is past its time.
   */
  admit(): void {
    this.#tell(this.findings());
    const [first] = this.#kept;
    const errors = first.loaded.findings.filter(
      ({ severity, code }) => severity === "error" && !ENDING.includes(code),
    );
    if (errors.length > 0) {
      const detail = errors.map((it) => `${placedText(it)}; ${it.remedy}`).join(". ");
      throw new Fault("certificate_unusable", { detail });
    }
    const there = this.#kept.filter(({ isMeantime, isServed }) => isServed && !isMeantime);
    for (const it of there) this.#parts.log.info("tls.loaded", fieldsOf(it));
  }

  /** All that is wrong with these, by default with all of them. */
  findings(of: readonly KeptCertificate[] = this.#kept): readonly Finding[] {
    const [first] = this.#kept;
    const each = of.flatMap(({ loaded }) => loaded.findings);
    return [
      ...each.filter(({ host }) => host === undefined || !this.#isCoveredBeside(first, host)),
      ...inspectShared(this.#kept.filter(({ isServed }) => isServed)),
    ];
  }

  /** Whether a client that dials `host` gets a certificate that is for it. */
  covers(host: string): boolean {
    return this.#isCoveredBeside(undefined, host);
  }

  current(): Certificates {
    const [first, ...others] = toServed(this.#kept.filter(({ isServed }) => isServed));
    if (first !== undefined) return [first, ...others];
    throw new Error("Cannot serve without a certificate");
  }

  /** How they stand, in the order of the configuration. */
  states(): readonly CertificateState[] {
    return this.#kept.map(({ state }) => state);
  }

  /**
   * Has `replace` serve with what the sources will have, as soon as they say so, at the latest a
   * minute after; it is not called again before it is done.
   */
  follow(replace: (certificates: Certificates) => Promise<void>): void {
    const { clock } = this.#parts;
    this.#replace = replace;
    this.#cancels.push(
      ...this.#kept.map((it) => it.watch(() => this.#settle())),
      clock.every(LIMITS.certificatePollMs, () => this.#look("tls.poll")),
      clock.every(LIMITS.certificateNoticeMs, () => {
        detach(this.#parts.log, "tls.notice", () => this.#tellWhatEnds());
      }),
    );
  }

  /** Looks at every source now. False when one of them has something that cannot be used. */
  reload(): Promise<boolean> {
    this.#tellAgain = true;
    return this.#refresh();
  }

  [Symbol.dispose](): void {
    this.#settling?.();
    for (const cancel of this.#cancels.splice(0)) cancel();
  }

  /** A renewal touches several files: the look at them is when that is over. */
  #settle(): void {
    this.#settling ??= this.#parts.clock.after(LIMITS.certificateSettleMs, () => {
      this.#settling = undefined;
      this.#look("tls.watch");
    });
  }

  #look(stage: string): void {
    detach(this.#parts.log, stage, async () => {
      await this.#refresh();
    });
  }

  /** One after the other; who asks while one has not begun shares it. */
  #refresh(): Promise<boolean> {
    this.#next ??= this.#running.then(async () => {
      this.#next = undefined;
      const refreshed = this.#refreshNow();
      // Whoever asked for it hears of a failure; the next look begins all the same.
      this.#running = refreshed.catch(() => undefined);
      return await refreshed;
    });
    return this.#next;
  }

  async #refreshNow(): Promise<boolean> {
    const tellAgain = this.#tellAgain;
    this.#tellAgain = false;
    const refresh = (it: KeptCertificate) =>
      it.refresh({ tellAgain, isCoveredByOthers: (host) => this.#isCoveredBeside(it, host) });
    const results = await Promise.all(this.#kept.map(refresh));
    const changed = this.#kept.filter((_, index) => results[index] === "changed");
    if (changed.length > 0) this.#tell(this.findings(changed));
    await this.#serveAwaited();
    return !results.includes("failed");
  }

  /** Also what could not be served before. */
  async #serveAwaited(): Promise<void> {
    const awaited = this.#kept.filter(({ isAwaited }) => isAwaited);
    if (awaited.length === 0) return;
    try {
      await this.#replace?.(this.current());
    } catch (error) {
      for (const it of awaited) it.fail(error);
      throw error;
    }
    for (const it of awaited) {
      it.confirm();
      this.#parts.log.info("tls.reloaded", fieldsOf(it));
    }
  }

  #isCoveredBeside(one: KeptCertificate | undefined, host: string): boolean {
    return this.#kept.some((it) => it !== one && it.isServed && namesCover(it.loaded.hosts, host));
  }

  async #tellWhatEnds(): Promise<void> {
    const findings = await Promise.all(this.#kept.map((it) => it.inspectAgain()));
    this.#tell(findings.flat().filter(({ code }) => ENDING.includes(code)));
  }

  #tell(findings: readonly Finding[]): void {
    for (const finding of findings) {
      if (finding.severity === "error") this.#parts.log.error("tls.finding", { ...finding });
      else this.#parts.log.warn("tls.finding", { ...finding });
    }
  }
}

function fieldsOf({ name, state }: KeptCertificate) {
  const { hosts, expiresAtMs } = state;
  return {
    certificate: name,
    hosts: hosts.slice(0, 10),
    expires: new Date(expiresAtMs).toISOString(),
  };
}
