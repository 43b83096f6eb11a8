import { CATALOGUES, type Language } from "./write-report.ts";

/** In the order in which the system asks them (POSIX.1-2024, 8.2). */
const VARIABLES = ["LC_ALL", "LC_MESSAGES", "LANG"] as const;

/** The language of this name; undefined when there is no catalogue for it. */
export function languageNamed(name: string): Language | undefined {
  const tag = name.toLowerCase().split(/[_.@-]/, 1)[0];
  return (Object.keys(CATALOGUES) as Language[]).find((it) => it === tag);
}

/** The language whoever started the program reads, as far as the environment tells. */
export function languageOf(env: Readonly<Record<string, string | undefined>>): Language {
  const set = VARIABLES.map((name) => env[name]).find((it) => it !== undefined && it !== "");
  return languageNamed(set ?? "") ?? "en";
}
