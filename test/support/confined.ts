import type { Target } from "./targets.ts";

/** What a process may be cut off from. */
export interface Confinement {
  /** `m` for mounts, `n` for the network. */
  readonly own?: "m" | "n";
  /** Lines of shell that make its world; its arguments are those of the target. */
  readonly prelude: string;
}

/**
 * The same target in a world of its own, which ends with it. Who is not root becomes it there, where
 * the machine lets users do that.
 */
export function confined(target: Target, { own, prelude }: Confinement): Target {
  const shell = ["/bin/sh", "-ec", `${prelude}; exec "$0" "$@"`] as const;
  const asRoot = process.getuid?.() === 0 ? "" : "r";
  const around = own === undefined ? shell : (["unshare", `-${asRoot}${own}`, ...shell] as const);
  return { ...target, command: [...around, ...target.command] };
}
