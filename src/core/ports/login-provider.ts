/** Why a provider does not tell who somebody is. It says nothing about others. */
export type LoginRefusal = "code_invalid" | "code_used" | "user_blocked" | "too_often";

/**
 * What a provider says of a code. Each `why` completes the sentence "it …" with what an operator can
 * search for, and holds neither the code nor a credential.
 */
export type LoginOutcome =
  /** `id` is the same for every code of this person, nobody else's, and 1 to 128 of A-Z a-z 0-9 _ -. */
  | { readonly outcome: "known"; readonly id: string }
  | { readonly outcome: "refused"; readonly reason: LoginRefusal; readonly why: string }
  /** The same code may be shown again in a moment. */
  | { readonly outcome: "busy"; readonly why: string }
  /** Whether the code is used up is not known to anyone. */
  | { readonly outcome: "unreachable"; readonly why: string }
  /** An answer that is none of those the provider documents. */
  | { readonly outcome: "odd"; readonly why: string }
  /** Nobody gets in until an operator does something. */
  | { readonly outcome: "stopped"; readonly why: string };

/**
 * Asks the platform of a mini-program who is behind the code that its login gave.
 *
 * `identify` MUST resolve in bounded time and rejects only for bugs. It MUST NOT repeat a question by
 * itself: codes are good once. Session keys and other secrets in an answer MUST be dropped at once.
 */
export interface LoginProvider {
  identify(code: string): Promise<LoginOutcome>;
}
