import { Fault } from "../core/faults.ts";
import type { Client } from "./client.ts";

/** What a frame says by `decode`; undefined, and a line in the log, when it is none of the protocol. */
export function readFrame<Read>(
  { id, services }: Pick<Client, "id" | "services">,
  decode: () => Read,
): Read | undefined {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    services.log.info("client.refused", { client: id, why: error.message });
    return undefined;
  }
}
