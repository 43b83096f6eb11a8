/** What automatic certificates may cost us, and the authority. */
export const ACME_LIMITS = {
  /** Names in one certificate; authorities take a hundred. */
  namesMax: 100,
  /** One request to the authority, and what of its answer is read. */
  requestTimeoutMs: 30_000,
  answerMaxBytes: 256 * 1024,
  /** Authorities may refuse any nonce at any time; each refusal brings another. */
  nonceAttemptsMax: 20,
  /** Between two looks at whether the authority is done, and for how long it may take. */
  pollMs: 1_000,
  pollMaxMs: 10_000,
  pollForMs: 3 * 60_000,
  /** Orders in one hour, also over restarts: Let's Encrypt takes five failures of one name. */
  ordersPerHour: 4,
  /** After a failure: 2, 6, 18, 54, 162 minutes, and so on. */
  retry: { firstMs: 2 * 60_000, factor: 3, maxMs: 6 * 60 * 60_000 },
  /** However long the authority wants us to wait. */
  retryAfterMaxMs: 7 * 24 * 60 * 60_000,
  /** How often it is looked whether it is time: the machine may sleep, and its clock be set. */
  lookMs: 60 * 60_000,
  /** What is left of a certificate's life when it is renewed, and by how much of it chance may be earlier. */
  renewPart: 1 / 3,
  renewJitterPart: 1 / 50,
  /** How long the authority's word on when to renew is good, unless it says otherwise. */
  adviceMs: 6 * 60 * 60_000,
  adviceMinMs: 60_000,
  adviceMaxMs: 24 * 60 * 60_000,
  /** Of any text of the authority that is logged. */
  detailMaxChars: 500,
} as const;
