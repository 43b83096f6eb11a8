import { CALLER_LIMITS } from "./caller-limits.ts";
import { CERTIFICATE_LIMITS } from "./certificate-limits.ts";
import { LOGIN_LIMITS } from "./login-limits.ts";

/** Every number that bounds what one caller can make the server hold. Configurable ones are defaults. */
export const LIMITS = {
  ...CALLER_LIMITS,
  ...CERTIFICATE_LIMITS,
  ...LOGIN_LIMITS,
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
  /** Of a header in which proxies say who asked them; what is beyond at its beginning is not read. */
  proxyHeaderMaxChars: 4_096,
  /** Proxies between a client and us that are followed. */
  proxyHopsMax: 32,
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
  /** Unpacked, of events that are posted one per line; what is held of them at a time is a `bodyMaxBytes` of `eventsPerPost`. */
  ndjsonMaxBytes: 64 * 1024 * 1024,
  /** And their number: the answer has a result for each. */
  eventsPerNdjson: 100_000,
  /** Requests with an Idempotency-Key that are being stored at a time. */
  keysInFlightPerDevice: 64,
  eventIdMaxChars: 128,
  eventTypeMaxChars: 128,
  /** Nobody has said who he is when it is read. */
  enrollBodyMaxBytes: 16 * 1024,
  /** Wrong fleet keys of one address. */
  enrollFailuresPerSecond: 0.2,
  enrollFailuresBurst: 20,
  deviceNameMaxChars: 128,
  deviceMetaMaxChars: 8 * 1024,
  /** The whole fleet; a leaked fleet key cannot fill the disk. */
  devicesMax: 100_000,
  devicesPerPage: 1_000,
  deviceSearchMaxChars: 128,
  appVersionMaxChars: 64,
  pushTokenMaxChars: 4_096,
  bindingsPerUser: 1_000,
  bindingsPerDevice: 1_000,
  /** Of a user who owns devices. */
  userMaxChars: 255,
  /** Of one user for one device. */
  commandPatternsMax: 32,
  /** Changes of bindings that a client which is being let in may have missed. */
  bindingChangesRemembered: 10_000,
  /** Calls of one client that wait for the result of a command. */
  rpcWaitsPerClient: 16,
  rpcDevicesPerPage: 100,
  /** How often what is known of when devices were seen is written down. */
  sightingsFlushMs: 10_000,
  /** Devices whose records are kept at hand for a moment, so that a busy one costs no read per post. */
  recentDevices: 10_000,
  dedupeTtlMs: 24 * 60 * 60 * 1000,
  commandTypeMaxChars: 128,
  commandKeyMaxChars: 128,
  /** Priorities are 0, the default, to this one, which goes first. */
  commandPriorityMax: 9,
  /** Covers a terminal that is switched off overnight; push services keep messages as long by default. */
  commandTtlMs: 24 * 60 * 60 * 1000,
  commandTtlMinMs: 1_000,
  commandTtlMaxMs: 30 * 24 * 60 * 60 * 1000,
  /** Deliveries that a sender may grant a command; without its word there may be any number until the ttl. */
  commandAttemptsMax: 100,
  /** How long a receiver has to acknowledge before the command is delivered again. */
  commandLeaseMs: 30_000,
  /** How long an acknowledged command may lack its result before it counts as failed. */
  commandResultTimeoutMs: 24 * 60 * 60 * 1000,
  /** Commands of one device that have no end yet. */
  commandsQueuedPerDevice: 1_000,
  /** How long a command that ended can be asked for, and its key is remembered. */
  commandKeptMs: 7 * 24 * 60 * 60 * 1000,
  /** Of a failed command's result. */
  resultCodeMaxChars: 128,
  resultMessageMaxChars: 1_024,
  /** Polls, streams and sockets that may wait for the commands of one device, which lets its oldest go, and for those of all. */
  commandWaitersPerDevice: 8,
  commandWaitersMax: 50_000,
  /** Requests that may wait for the result of a command. */
  resultWaitersMax: 10_000,
  /** Under the 60 s after which common proxies cut a silent response. */
  heldMaxSeconds: 50,
  commandsPerFetch: 100,
  /** Characters of commands in one answer; one that would have more ends earlier. */
  commandPageMaxChars: 2 * 1024 * 1024,
  commandsPerPage: 100,
  /** What one stream or socket may have been sent and not have acknowledged yet. */
  commandsInFlight: 10,
  /** How often what is due in the lives of commands is looked for, and how often in a row. */
  commandTickMs: 1_000,
  commandTickRoundsMax: 50,
  /** How long a stream or socket to which nobody has said anything trusts that nothing is there. */
  receiverRelookMs: 5 * 60 * 1000,
  /** Beyond the lease, before a stream or socket gives up on what it has sent or on a peer that takes nothing. */
  receiverGraceMs: 5_000,
  /** Below the minute or less after which proxies cut a silent stream. */
  streamCommentMs: 15_000,
  /** How long a stream lasts, and a little more by chance: that its peer comes again is the only sign of it. */
  deviceStreamMs: 5 * 60 * 1000,
  /** When the device is to come again then; shorter than what counts as a gap. */
  deviceStreamRetryMs: 1_000,
  /** How often it is looked whether a device that holds something open would still be let in. */
  deviceRecheckMs: 15_000,
  /** Of a device: a result whose data weighs as much as it may, and as much again around it. */
  deviceFrameMaxBytes: 128 * 1024,
  /** Frames of one device's socket that are being worked on. */
  deviceFramesAtATime: 64,
  /** What may wait for one device's socket; above the commands it may be sent at a time. */
  deviceQueueMaxBytes: 4 * 1024 * 1024,
  /** Of what a device reported, and as much again of what it should be. */
  stateMaxChars: 32 * 1024,
  stateDepthMax: 64,
  /** How long a post keeps its device online. */
  deviceOnlineTtlMs: 90_000,
  /** A gap that is shorter is no transition. */
  deviceOfflineGraceMs: 10_000,
  /** Beside the time over which a drain spreads them: how long devices may take to find a server that restarts. */
  deviceReturnMs: 20_000,
  /** How often it is written down that those are still there who hold something open. */
  heldSightingsMs: 5 * 60 * 1000,
  /** Transitions being stored at a time; the rest waits. */
  presenceStoresAtATime: 64,
  /** How often it is tried to store that a device went offline, after twice the pause each time. */
  presenceRetriesMax: 100,
  presenceRetryMs: 1_000,
  presenceRetryMaxMs: 60_000,
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
  /** Clients that are sent away per second. */
  drainPace: 2_000,
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
  /** One request to a push provider, and what of its answer is read. */
  pushTimeoutMs: 10_000,
  pushAnswerMaxBytes: 64 * 1024,
  /** Requests to one push provider at a time. */
  pushesAtATime: 16,
  /** How long a push provider that needs an operator is left alone before one wake-up tries it again. */
  pushStoppedMs: 15 * 60 * 1000,
  /** However long a push provider wants us to wait. */
  pushPauseMaxMs: 60 * 60 * 1000,
  /** Wake-ups whose outcome is unknown and that are remembered, so that a repetition is known for one. */
  pushesRemembered: 1_000,
  /** Between two wake-ups of one device. */
  wakeIntervalMs: 30_000,
  /** A device that asks for commands holds nothing open for a moment between two polls. */
  wakeGraceMs: 3_000,
  /** After a restart devices come back by themselves; who has not by then is woken. */
  wakeAfterStartMs: 60_000,
  /** So many of those at a time, and the pause between: below what providers take. */
  wakesPerRound: 1_000,
  wakeRoundMs: 5_000,
  /** How long a provider keeps a wake-up for a device that it cannot reach. */
  wakeTtlMs: 60 * 60 * 1000,
  /** How long a provider is asked again for one wake-up. */
  wakeGiveUpMs: 60 * 60 * 1000,
  /** Devices that are being woken, or were a moment ago. */
  wakesAtATime: 20_000,
  /** One delivery to a webhook, and what of its answer is read. */
  webhookTimeoutMs: 10_000,
  webhookAnswerMaxBytes: 64 * 1024,
  /** Deliveries to one webhook at a time. */
  webhooksAtATime: 8,
  /** With the waits between them about a day. */
  webhookAttempts: 12,
  /** Events of one device wait for an earlier one until it failed this often, about ten minutes. */
  webhookAttemptsInOrder: 5,
  /** Longer than a delivery takes; whoever took a row and is gone by then has lost it. */
  webhookLeaseMs: 60_000,
  /** How often the outbox is looked at, although nobody said that something is new. */
  webhookPollMs: 10_000,
  /** However long a webhook wants us to wait. */
  webhookPauseMaxMs: 60 * 60 * 1000,
  /** Rows of one webhook that wait, what they may weigh in all, and those that nobody will try again. */
  outboxRowsMax: 100_000,
  outboxMaxBytes: 512 * 1024 * 1024,
  deadLettersMax: 10_000,
  /** How often it is looked whether a webhook has as many rows as it may. */
  outboxWatchMs: 60_000,
  /** How long a row waits, and a dead letter is kept, at most: also those of a webhook that is no more. */
  outboxKeptMs: 30 * 24 * 60 * 60 * 1000,
  /** Longer than any backoff or pause: what is due later was dated before the clock was set back. */
  outboxWaitMaxMs: 8 * 60 * 60 * 1000,
  /** By so much two looks at the clock may be apart and the later one still be stored first. */
  clockSlackMs: 1_000,
  /** Each weighs as much as an event may. */
  deadLettersPerPage: 100,
  globMaxChars: 255,
  /** What the braces of one glob may stand for. */
  globAlternatives: 64,
} as const;
