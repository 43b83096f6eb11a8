/** What bounds a visit of the doctor. */
export const VISIT_LIMITS = {
  /** One step, and what of an answer is read. */
  stepMs: 10_000,
  answerMaxBytes: 256 * 1024,
  /** How long a socket is held to see who cuts it: longer than the shortest life we know of. */
  idleMs: 35_000,
  idleMaxMs: 20 * 60 * 1000,
  /** Everything else. */
  visitMs: 60_000,
  /** Addresses of one name that are dialled. */
  addressesMax: 8,
  /** A larger store would take too long to read through. */
  storeMaxBytes: 1024 * 1024 * 1024,
} as const;
