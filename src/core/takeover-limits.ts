/** Bounds of what two processes on one machine do together: telling how they are, and taking over. */
export const TAKEOVER_LIMITS = {
  /** Of a control socket: a request that is handed on may be one line. */
  controlLineMaxChars: 4 * 1024 * 1024,
  controlMessagesQueued: 10_000,
  /** Processes that talk to a server at a time. */
  controlChannelsMax: 16,
  /** Requests that wait while one process takes over from another, and how long each does. */
  heldAtDoorway: 20_000,
  doorwayHoldMs: 15_000,
  /** How long a server that is taken over ends connections with the answers on them, at least. */
  takeoverLeadMs: 1_000,
  /** How long requests that run may take before the store changes hands without them. */
  takeoverGraceMs: 3_000,
  /** How long either process waits for the next step of the other. */
  takeoverStepMs: 30_000,
  /** How often one that still sends its clients away says so, so that the other waits on. */
  leavingTellMs: 5_000,
  /** How long a server that was taken over answers what comes on connections that were kept. */
  takeoverLingerMs: 30_000,
  /** How long one that lingers is waited for that was told to leave. */
  leaveMs: 10_000,
  /** Requests that one process hands on to the other, their bodies and how long their answers may take. */
  handedOnAtATime: 1_000,
  handedOnMaxBytes: 1024 * 1024,
  handedOnTimeoutMs: 15_000,
  /** How long a command waits for the server it asks. */
  controlTimeoutMs: 5_000,
} as const;
