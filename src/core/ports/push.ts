import type { DeviceId } from "../device-id.ts";

/** What a device is told when it is woken: that it should ask for its commands, never what they say. */
export interface WakeHint {
  /** Commands that wait for the device; at least 1. */
  readonly pending: number;
  /** The id of the one that comes first. */
  readonly command?: string;
}

export interface WakeRequest {
  /** For whoever knows it by that: a provider that has to be told no more than the token does without. */
  readonly device: DeviceId;
  /** What names the device to its provider. It came from the device, so it may be anything. */
  readonly token: string;
  readonly hint: WakeHint;
}

/** What became of a wake-up. Each `why` completes the sentence "it …". */
export type WakeOutcome =
  /** The provider took it over; whether it arrives is not known to anyone. */
  | { readonly outcome: "sent" }
  /** The token will never work again. */
  | { readonly outcome: "token_dead" }
  /** Not now; ask again with the same request, but not before that time is over. */
  | { readonly outcome: "retry"; readonly afterMs: number; readonly why: string }
  /** Not this one, however often it is asked. It says nothing about others. */
  | { readonly outcome: "refused"; readonly why: string }
  /** Nor any other, until an operator does something. */
  | { readonly outcome: "stopped"; readonly why: string };

/**
 * Wakes devices through somebody's push service.
 *
 * `wake` MUST resolve in bounded time and rejects only for bugs. Where the service lets it, a request
 * that is repeated after `retry` MUST NOT reach the device twice. It may answer `retry` without asking
 * anyone while it knows that it would be sent away. No `why` holds the token or a credential.
 */
export interface PushProvider {
  wake(request: WakeRequest): Promise<WakeOutcome>;
}
