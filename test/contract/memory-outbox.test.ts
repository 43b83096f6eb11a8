import { MemoryOutbox, Shelf } from "../support/memory-outbox.ts";
import { describeOutbox } from "./outbox.ts";

const shelves = new Map<string, Shelf>();

/** The fake that others are tested with keeps the promises too. */
describeOutbox({
  name: "in memory",
  keepsAfterClose: true,
  async open({ place, clock, bounds }) {
    const shelf = shelves.get(place) ?? new Shelf();
    shelves.set(place, shelf);
    const outbox = new MemoryOutbox(clock, bounds, shelf);
    return Object.assign(outbox, { [Symbol.asyncDispose]: async () => {} });
  },
});
