import { Fault } from "../../core/faults.ts";
import type { CommandOf } from "../../protocol/client-frame.ts";
import { resultFrom } from "../backend-answer.ts";
import type { Client } from "../client.ts";

/** Posthorn's own methods; the backend is never asked for one, so none it has can come to mean another. */
const OWN_METHOD = /^(?:command|device)\./;

/** Calls a method of the backend. */
export async function rpc(client: Client, command: CommandOf<"rpc">): Promise<void> {
  const { backend } = client.services;
  const { method } = command.request;
  if (OWN_METHOD.test(method)) throw new Fault("method_unknown", { detail: method });
  if (backend.rpc === undefined) throw new Fault("method_unavailable", { detail: method });
  const { data } = command;
  const question = { ...client.asBackendUser(), method, ...(data !== undefined && { data }) };
  const result = resultFrom(await backend.rpc(question));
  client.reply(command, result.data === undefined ? "{}" : `{"data":${result.data}}`);
}
