/** How often callers may come, and how many connections fit into the process. */
export const CALLER_LIMITS = {
  /** Of all clients of one user, who may be a thousand screens that all come back after a restart. */
  commandsPerUserPerSecond: 1_000,
  commandsPerUserBurst: 10_000,
  /** Posts of one device: a few percent of what a small machine stores, and hours of an outage at once. */
  postsPerDevicePerSecond: 500,
  postsPerDeviceBurst: 5_000,
  /** Requests with one API key: a backend that runs wild leaves room for devices. */
  requestsPerKeyPerSecond: 5_000,
  requestsPerKeyBurst: 10_000,
  /** Wrong or missing secrets and keys of one address. */
  failuresPerAddressPerSecond: 10,
  failuresPerAddressBurst: 200,
  /** Devices and users whose rate is known at a time, some 200 bytes each. */
  callersRemembered: 50_000,
  /** API keys with the addresses that came with them. */
  goodKeysRemembered: 1_000,
  /** How often it is looked how many files are open. */
  openFilesLookMs: 250,
  /** What is kept free of them: a twentieth within these bounds, and as much again for connections that are there. */
  openFilesReserveMin: 32,
  openFilesReserveMax: 2_000,
  /** How long nobody is accepted when files are short; longer when that was not long ago. */
  acceptPauseMs: 500,
  acceptPauseMaxMs: 60_000,
  acceptForgivenMs: 10 * 60_000,
  /** Listeners that were paused and live on for their sockets. */
  listenersPausedMax: 64,
} as const;
