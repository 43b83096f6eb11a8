import type { Posthorn } from "./posthorn.ts";

/** What the process holds in memory, apart from files. */
export async function anonymousBytes({ pid }: Posthorn): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  const [, kilobytes] = /^RssAnon:\s+(\d+) kB$/m.exec(status) ?? [];
  return Number(kilobytes) * 1024;
}
