/** How many files a process may have open, of the text of Linux's `/proc/<pid>/limits`; undefined where it sets no bound. */
export function parseOpenFilesMax(limits: string): number | undefined {
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}
