/** Where systemd's own checker of units is, if it is installed. */
export function findSystemdAnalyze(): string | undefined {
  return Bun.which("systemd-analyze") ?? undefined;
}

/** Runs the checker; what it prints on either stream is its output. */
export async function systemdAnalyze(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly output: string }> {
  const program = findSystemdAnalyze();
  if (program === undefined) {
    throw new Error('Cannot check units: install systemd, or start with "bun run test"');
  }
  const child = Bun.spawn([program, ...args], { stdout: "pipe", stderr: "pipe" });
  const printed = [new Response(child.stdout).text(), new Response(child.stderr).text()];
  const output = (await Promise.all(printed)).join("");
  return { code: await child.exited, output };
}
