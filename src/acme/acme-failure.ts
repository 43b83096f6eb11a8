export interface AcmeFailureOptions extends ErrorOptions {
  /** What the operator can do about it. */
  readonly remedy: string;
  /** How long the authority wants to be left alone. */
  readonly retryAfterMs?: number | undefined;
}

/** No certificate was to be had: what the authority said of it, or why it could not be asked. */
export class AcmeFailure extends Error {
  override readonly name = "AcmeFailure";
  readonly remedy: string;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, { remedy, retryAfterMs, ...options }: AcmeFailureOptions) {
    super(message, options);
    this.remedy = remedy;
    this.retryAfterMs = retryAfterMs;
  }
}
