/** Those of certificates and of the listeners that serve them; used as `LIMITS`. */
export const CERTIFICATE_LIMITS = {
  /** A certificate or key file; chains are a few kilobytes. */
  pemMaxBytes: 256 * 1024,
  /** Hosts in one certificate made by us. */
  hostsPerCertificate: 100,
  /** Certificates of one server, each of which has an entry per name in the listener. */
  certificatesMax: 100,
  /** How often certificates are looked at, although nobody said that their files changed. */
  certificatePollMs: 60_000,
  /** Between the first sign that files change and the look at them: a key follows its certificate. */
  certificateSettleMs: 500,
  /** How often, and after which pause, files are looked at again that do not fit together (yet). */
  certificateRetriesMax: 2,
  certificateRetryMs: 2_000,
  /** How often it is told again that a certificate is about to end. */
  certificateNoticeMs: 24 * 60 * 60 * 1000,
  /** How long a listener that was replaced goes on accepting, for connections that had begun. */
  listenerOverlapMs: 1_000,
  /** Replaced listeners that live on for their sockets; beyond it those of the oldest must come again. */
  listenersReplacedMax: 8,
  /** How often it is looked whether the last socket of a replaced listener is gone. */
  listenerRecheckMs: 1_000,
} as const;
