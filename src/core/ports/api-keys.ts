/** Knows the keys that let the backend in. */
export interface ApiKeys {
  /** MUST take the same time whichever key it is, and whether there is one. */
  matches(key: string): boolean;
}
