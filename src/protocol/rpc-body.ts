import { z } from "zod";
import { type CommandId, type CommandRequest, parseCommandId } from "../core/command.ts";
import { type DeviceId, parseDeviceId } from "../core/device-id.ts";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import { CommandBody, sentCommandOf } from "./command-body.ts";
import { wordsOf } from "./issue-words.ts";

const Device = z.string().describe("The id of a device");

/** The data of the method `command.send`. */
export const SendCommandData = CommandBody.extend({ device: Device });

/** The data of the method `command.get`. */
export const GetCommandData = z
  .strictObject({ device: Device, id: z.string().optional(), key: CommandBody.shape.key })
  .refine(({ id, key }) => (id === undefined) !== (key === undefined), {
    path: ["id"],
    message: "wanted an id, or else the key under which this user sent it",
  });

/** The data of the method `device.get`. */
export const GetDeviceData = z.strictObject({ device: Device });

/** The data of the method `device.list`, which needs none. */
export const ListDevicesData = z.strictObject({
  after: Device.optional(),
  limit: z.int().min(1).max(LIMITS.rpcDevicesPerPage).default(LIMITS.rpcDevicesPerPage),
});

/** A command as a client asks for it. */
export interface SendCommandCall {
  readonly request: Omit<CommandRequest, "sender">;
  readonly waitMs: number;
}

/** Which command a client asks about: by its id, or by the key under which the client's user sent it. */
export type GetCommandCall = { readonly device: DeviceId } & (
  | { readonly id: CommandId }
  | { readonly key: string }
);

/** Decodes what `command.send` is to send, or throws `rpc_invalid` or `device_malformed`. */
export function decodeSendCommand(data: string | undefined): SendCommandCall {
  const { device, ...command } = decode(SendCommandData, data);
  const { waitMs, ...request } = sentCommandOf(command, data ?? "{}");
  return { request: { ...request, device: parseDeviceId(device) }, waitMs };
}

/** Decodes whose command `command.get` is about, or throws `rpc_invalid`, `device_malformed` or `command_unknown`. */
export function decodeGetCommand(data: string | undefined): GetCommandCall {
  const { device, id = "", key } = decode(GetCommandData, data);
  const asked = { device: parseDeviceId(device) };
  return key === undefined ? { ...asked, id: parseCommandId(id) } : { ...asked, key };
}

/** Decodes which device `device.get` is about, or throws `rpc_invalid` or `device_malformed`. */
export function decodeGetDevice(data: string | undefined): DeviceId {
  return parseDeviceId(decode(GetDeviceData, data).device);
}

/** Decodes which devices `device.list` is about, or throws `rpc_invalid` or `device_malformed`. */
export function decodeListDevices(data: string | undefined): {
  readonly after?: DeviceId;
  readonly limit: number;
} {
  const { after, limit } = decode(ListDevicesData, data);
  return { limit, ...(after !== undefined && { after: parseDeviceId(after) }) };
}

/** `data` is JSON text already; a call without any has an empty object. */
function decode<Schema extends z.ZodType>(
  schema: Schema,
  data: string | undefined = "{}",
): z.infer<Schema> {
  const value: unknown = JSON.parse(data);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Fault("rpc_invalid", { detail: wordsOf(parsed.error, value, schema) });
}
