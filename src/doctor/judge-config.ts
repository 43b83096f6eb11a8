import { type Finding, finding, findingIf } from "./finding.ts";

interface NamedSecret {
  readonly key: string;
  readonly value: string;
}

/** Fewer different characters than this no chance would have made. */
const DIFFERENT_CHARS_MIN = 8;
const OTHERS_MAY_READ = 0o004;

/** Says what is wrong with secrets as such. No finding has any of them. */
export function judgeSecrets(secrets: readonly NamedSecret[]): Finding[] {
  const byValue = new Map<string, string[]>();
  for (const { key, value } of secrets) byValue.set(value, [...(byValue.get(value) ?? []), key]);
  const shared = [...byValue.values()].filter((keys) => keys.length > 1);
  const simple = secrets.filter(({ value }) => new Set(value).size < DIFFERENT_CHARS_MIN);
  return [
    ...shared.map((keys) => finding("secrets_shared", { keys: keys.join(", ") })),
    ...simple.map(({ key }) => finding("secret_simple", { key })),
    ...findingIf(shared.length === 0 && secrets.length > 1, "secrets_apart", {
      count: secrets.length,
    }),
  ];
}

/** Says whether others may read a file with secrets. */
export function judgeConfigFile(file: string, mode: number): Finding {
  const isExposed = (mode & OTHERS_MAY_READ) !== 0;
  return finding(isExposed ? "config_exposed" : "config_private", { file, mode: modeText(mode) });
}

/** Says whether others may read what is stored. */
export function judgeDataMode(path: string, mode: number): Finding[] {
  const isExposed = (mode & OTHERS_MAY_READ) !== 0;
  return findingIf(isExposed, "data_exposed", { path, mode: modeText(mode) });
}

function modeText(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
