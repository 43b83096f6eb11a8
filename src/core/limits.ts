/** Every number that bounds what one caller can make the server hold. Configurable ones are defaults. */
export const LIMITS = {
  /** Of any channel's name; for names that clients choose it is the default and the most there may be. */
  channelMaxChars: 255,
  channelsPerClient: 128,
  /** Of one signed-in user, and of one address; 0 is no limit: thousands of phones share one in a mobile network. */
  clientsPerUser: 0,
  clientsPerAddress: 0,
  /** Connections that one address may begin. Behind a proxy that hides addresses it is the proxy's. */
  connectionsPerAddressPerSecond: 200,
  connectionsPerAddressBurst: 2_000,
  /** Addresses whose rate is known at a time, some 200 bytes each. */
  addressesRemembered: 50_000,
  /** Commands of one client; it may send all its subscriptions at once. */
  commandsPerSecond: 100,
  commandsBurst: 256,
  /** What may wait of one client's commands, in frames of the largest size. */
  framesQueuedPerClient: 16,
  /** Of one subscription's tags filter. */
  filterNodesMax: 100,
  historyMaxPublications: 300,
  /** Of one page; a page that would weigh more ends earlier. */
  historyMaxBytes: 8 * 1024 * 1024,
  /** Clients hold it in a timer of 32 bits of milliseconds. */
  ttlMaxSeconds: 2_147_483,
  idempotencyTtlMs: 5 * 60 * 1000,
  frameMaxBytes: 64 * 1024,
  /** What may wait for one client before it is evicted as slow (close 3008). */
  queueMaxBytes: 1024 * 1024,
  clientsMax: 50_000,
  recoveryMaxPublications: 300,
  /** Of one answer; above the queue's bound, so that what an eviction cost can be recovered. */
  recoveryMaxBytes: 8 * 1024 * 1024,
  /** Live publications held back for one subscription while its recovery loads. */
  loadingMaxPublications: 1_000,
  /** And roughly what they weigh, for all the subscriptions that one answer opens. */
  loadingMaxBytes: 4 * 1024 * 1024,
  eventMaxBytes: 64 * 1024,
  bodyMaxBytes: 1024 * 1024,
  /** Far above every bound of ours, which answers in full; the runtime's own answer is a bare 413. */
  runtimeBodyMaxBytes: 128 * 1024 * 1024,
  eventsPerPost: 1_000,
  eventIdMaxChars: 128,
  eventTypeMaxChars: 128,
  deviceNameMaxChars: 128,
  /** Devices whose records are kept at hand for a moment, so that a busy one costs no read per post. */
  recentDevices: 10_000,
  dedupeTtlMs: 24 * 60 * 60 * 1000,
  greetingTimeoutMs: 10_000,
  /** For checking credentials, asking the backend and reading what a client missed. */
  admissionTimeoutMs: 60_000,
  /** How often what was delivered is compared with what is stored. */
  positionCheckMs: 40_000,
  /** Texts on /login that may come before its connect push. */
  earlyTextsMax: 16,
  /** Together with the wait for the pong below 30 s, within which a dead client is found. */
  pingIntervalMs: 20_000,
  pongTimeoutMs: 8_000,
  /** How long a client or a subscription may stay after its credentials ended, to bring new ones. */
  expiredGraceMs: 25_000,
  /** Between two questions to a backend that cannot say whether a client may stay. */
  refreshPauseMs: 5_000,
  closeGraceMs: 5_000,
  drainSpreadMs: 10_000,
  drainTimeoutMs: 10_000,
  bodyTimeoutMs: 60_000,
  /** Writes that may wait for the disk, and roughly what they may hold in memory meanwhile. */
  appendsQueued: 20_000,
  appendsQueuedMaxBytes: 64 * 1024 * 1024,
  /** Enough for every client of a full server to recover one channel at once. */
  readsQueued: 50_000,
  /** One transaction: long enough to share an fsync, short enough not to hold the write lock. */
  writesPerBatch: 1_000,
  batchMaxBytes: 4 * 1024 * 1024,
  /** What is read at once is held at once: up to this many histories, and what they may weigh in all. */
  readsPerBatch: 64,
  readBatchMaxBytes: 16 * 1024 * 1024,
  storePingTimeoutMs: 5_000,
  /** Far above any real one; what is longer is not even decoded. */
  tokenMaxChars: 8 * 1024,
  /** A token without `kid` is tried with this many keys of its algorithm. */
  tokenKeysTried: 8,
  keySetMaxBytes: 256 * 1024,
  keySetTimeoutMs: 5_000,
  /** How long fetched keys are used without asking again, and how long when asking fails. */
  keySetFreshMs: 10 * 60 * 1000,
  keySetStaleMs: 60 * 60 * 1000,
  /** Tokens with unknown keys make us ask for new ones this often at most. */
  keySetPauseMs: 10_000,
  backendTimeoutMs: 1_000,
  backendAnswerMaxBytes: 1024 * 1024,
  /** Questions the backend is asked at a time, and those that may wait for their turn. */
  backendQuestions: 256,
  backendQuestionsQueued: 4_096,
  /** Publications in one answer of the server API. */
  apiHistoryMaxPublications: 10_000,
  apiChannelsPerBroadcast: 10_000,
  apiCommandsPerBatch: 10_000,
  /** Of one batch or broadcast that run at a time. */
  apiCommandsAtATime: 256,
  globMaxChars: 255,
  /** What the braces of one glob may stand for. */
  globAlternatives: 64,
  /** A certificate or key file; chains are a few kilobytes. */
  pemMaxBytes: 256 * 1024,
  /** Hosts in one certificate made by us. */
  hostsPerCertificate: 100,
} as const;
