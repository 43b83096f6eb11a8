/** A place in a channel's stream. `offset` counts from 1 without gaps; `epoch` names the stream's one life. */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/** One message in a channel. */
export interface Publication {
  /** JSON text, passed on byte for byte as it was posted. */
  readonly data: string;
  /** 0 in a channel that keeps no history. */
  readonly offset: number;
  /** When it was stored, in milliseconds since 1970 by the server's clock. */
  readonly timeMs: number;
  readonly tags?: Readonly<Record<string, string>>;
  /** JSON text of the publishing client's info, when a client published it. */
  readonly info?: string;
}

/** How much of a channel's past is kept. */
export interface Retention {
  readonly sizeMax: number;
  readonly ttlMs: number;
  /** How long the stream itself, its epoch and offset, outlives its last append. Absent: for good. */
  readonly metaTtlMs?: number;
}
