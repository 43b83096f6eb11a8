/** One message that is signed. */
export interface SignedMessage {
  /** The same for every attempt to deliver the message, so that its receiver can tell a repetition. */
  readonly id: string;
  /** When this attempt is made. */
  readonly timeMs: number;
  readonly body: string;
}

/** Proves to a receiver that a message is from us. */
export interface Signer {
  /** The headers that carry the proof, by lower-case name. */
  sign(message: SignedMessage): Readonly<Record<string, string>>;
}
