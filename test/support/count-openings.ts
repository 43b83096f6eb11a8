import type { Client } from "../../src/ws/client.ts";

/** Counts what is opened from now on, and what of it was not given up. */
export function countOpenings({ services: { subscriptions } }: Client) {
  const open = subscriptions.open;
  const counts = { open: 0, opened: 0 };
  subscriptions.open = async (request) => {
    const opening = await open(request);
    counts.open += 1;
    counts.opened += 1;
    return {
      ...opening,
      cancel() {
        counts.open -= 1;
        opening.cancel();
      },
    };
  };
  return counts;
}
