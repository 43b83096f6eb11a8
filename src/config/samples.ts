/**
 * The secrets that config/posthorn.toml shows. Whoever copies one has a secret that everyone can
 * read, so none is taken. A test keeps this list and that file alike.
 */
const SAMPLES: ReadonlySet<string> = new Set([
  "at least 32 characters, kept out of version control",
  "Bearer something that only the backend and this server know",
  "the-app-secret-kept-out-of-version-control",
  "the-master-secret-kept-out-of-version-control",
  "the-hmac-key-that-the-site-of-the-authority-shows",
  "whsec_cmVwbGFjZS10aGlzLWJ5LTMyLXJhbmRvbS1ieXRlcyE=",
]);

/** Whether a secret is none of those that the documentation shows. */
export function isNoSample(secret: string): boolean {
  return !SAMPLES.has(secret.trim());
}
