import type { Entropy } from "../../src/core/ports/entropy.ts";

/** Chance that counts instead: the same in every run. */
export function createFakeEntropy(fraction = 0.5): Entropy {
  let made = 0;
  return {
    uuid: () => `uuid-${++made}`,
    token: (bytes) => `token-${++made}-${"x".repeat(bytes)}`,
    fraction: () => fraction,
  };
}
