import type { Clock } from "../core/ports/clock.ts";
import type { TlsFiles } from "../core/ports/host.ts";
import type { CertificateSource, OfferedCertificate } from "../tls/certificate-source.ts";
import { makeCertificates } from "../tls/make-certificates.ts";
import type { AcmeFiles } from "./acme-files.ts";
import { type CertificatePair, readPair } from "./certificate-pair.ts";

/** Whoever looks at the certificate sees why it is none; `.invalid` is nobody's (RFC 2606). */
const MEANTIME_HOST = "no-certificate-yet.posthorn.invalid";

/**
 * The certificate that an authority gave us, as we keep it.
 *
 * Until there is one it is a certificate that no client accepts: no runtime can listen for TLS without
 * any, and this way all that is left to do then is what every renewal does.
 */
export class ObtainedCertificate implements CertificateSource {
  readonly name = "acme";
  readonly #files: AcmeFiles;
  readonly #clock: Clock;
  readonly #watchers = new Set<() => void>();
  /** Why what is kept could not be used at the start. */
  readonly unfit: string | undefined;
  #pair: CertificatePair | undefined;
  #meantime: TlsFiles | undefined;

  private constructor(files: AcmeFiles, clock: Clock, found: Found) {
    this.#files = files;
    this.#clock = clock;
    this.#pair = found.pair;
    this.unfit = found.unfit;
  }

  static async open(files: AcmeFiles, clock: Clock): Promise<ObtainedCertificate> {
    return new ObtainedCertificate(files, clock, await find(files, clock));
  }

  /** Undefined until there is one. */
  get pair(): CertificatePair | undefined {
    return this.#pair;
  }

  async read(): Promise<OfferedCertificate> {
    if (this.#pair !== undefined) return { ...filesOf(this.#pair), findings: [] };
    this.#meantime ??= await makeMeantime(this.#clock);
    return { ...this.#meantime, findings: [], isMeantime: true };
  }

  watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }

  /** Keeps a new one, and has it served. */
  async take(pair: CertificatePair): Promise<void> {
    await this.#files.keepCertificate(`${pair.key}${pair.cert}`);
    this.#replace(pair);
  }

  /** Looks for one that another process has kept since: the one before us may have renewed it while we started. */
  async lookAgain(): Promise<void> {
    const { pair } = await find(this.#files, this.#clock);
    if (pair === undefined || pair.cert === this.#pair?.cert) return;
    this.#replace(pair);
  }

  #replace(pair: CertificatePair): void {
    this.#pair = pair;
    for (const changed of this.#watchers) changed();
  }
}

interface Found {
  readonly pair?: CertificatePair;
  readonly unfit?: string;
}

async function find(files: AcmeFiles, clock: Clock): Promise<Found> {
  const text = await files.certificate();
  if (text === undefined) return {};
  const read = await readPair({ cert: text, key: text }, clock.nowMs());
  return "unfit" in read ? read : { pair: read };
}

function filesOf({ cert, key }: TlsFiles): TlsFiles {
  return { cert, key };
}

async function makeMeantime(clock: Clock): Promise<TlsFiles> {
  return filesOf(
    await makeCertificates({
      hosts: [MEANTIME_HOST],
      now: new Date(clock.nowMs()),
      validDays: { leaf: 1, ca: 1 },
    }),
  );
}
