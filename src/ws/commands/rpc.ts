import { Fault } from "../../core/faults.ts";
import type { CommandOf } from "../../protocol/client-frame.ts";
import { resultFrom } from "../backend-answer.ts";
import type { Client } from "../client.ts";
import { getCommand, sendCommand } from "../rpc/command-methods.ts";
import { getDevice, listDevices } from "../rpc/device-methods.ts";
import { callOwnMethod, type OwnMethod } from "../rpc/own-method.ts";

/** Posthorn's own methods; the backend is never asked for one, so none it has can come to mean another. */
const OWN_METHOD = /^(?:command|device)\./;

const OWN_METHODS: ReadonlyMap<string, OwnMethod> = new Map([
  ["command.send", sendCommand],
  ["command.get", getCommand],
  ["device.get", getDevice],
  ["device.list", listDevices],
]);

/** Calls a method: one of Posthorn's own or one of the backend's. */
export async function rpc(client: Client, command: CommandOf<"rpc">): Promise<void> {
  const { backend } = client.services;
  const { method } = command.request;
  const own = OWN_METHODS.get(method);
  if (own !== undefined) return callOwnMethod(client, command, own);
  if (OWN_METHOD.test(method)) throw new Fault("method_unknown", { detail: method });
  if (backend.rpc === undefined) throw new Fault("method_unavailable", { detail: method });
  const { data } = command;
  const question = { ...client.asBackendUser(), method, ...(data !== undefined && { data }) };
  const result = resultFrom(await backend.rpc(question));
  client.reply(command, result.data === undefined ? "{}" : `{"data":${result.data}}`);
}
