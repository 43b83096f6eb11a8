import type { Socket } from "node:net";

/** Carries bytes between two connections, both ways; the end of one is the end of the other. */
export function carry(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroy());
  }
}
