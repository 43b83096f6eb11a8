import { Fault } from "../core/faults.ts";
import type { Command } from "../protocol/client-frame.ts";
import { encodeErrorReply } from "../protocol/server-frame.ts";
import type { Client } from "./client.ts";
import { Disconnection, Refusal, toProtocolError } from "./protocol-error.ts";

/** Does what a command asks. Whatever is thrown becomes its answer, or the end of the client. */
export async function answerCommand(
  client: Client,
  command: Command,
  work: () => Promise<void> | void,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Disconnection) client.end(error.disconnect);
    else answerError(client, command, error);
  }
}

function answerError(client: Client, { id, method }: Command, error: unknown): void {
  const { log } = client.services;
  const { user } = client.identity;
  const isExpected = error instanceof Fault || error instanceof Refusal;
  if (isExpected)
    log.info("client.refused", { client: client.id, user, method, why: error.message });
  else log.error("ws.bug", { client: client.id, error });
  if (error instanceof Fault && error.kind === "unavailable") {
    log.error("ws.unavailable", { client: client.id, error });
  }
  if (id === 0 || client.isClosed) return;
  client.connection.send(encodeErrorReply(id, toProtocolError(error)));
}
