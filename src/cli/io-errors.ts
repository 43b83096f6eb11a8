const TEXTS: Readonly<Record<string, string>> = {
  EACCES: "the user that runs this may not",
  EADDRINUSE: "something listens there already",
  EADDRNOTAVAIL: "this machine has no such address",
  EEXIST: "it is there already",
  EISDIR: "it is a directory",
  ENOENT: "there is no such file or directory",
  ENOSPC: "the disk is full",
  ENOTDIR: "a part of the path is no directory",
  ENOTFOUND: "there is no such host name",
  EPERM: "the user that runs this may not",
  EROFS: "the disk is read-only",
};

/** The system's code of a failure (`ENOENT`), or undefined when it has none. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** What a failure of the system means, in words. */
export function explainIo(error: unknown): string {
  const code = codeOf(error);
  const text = code && TEXTS[code];
  if (text !== undefined) return `${text} (${code})`;
  return error instanceof Error ? error.message : String(error);
}
