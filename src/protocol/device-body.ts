import { z } from "zod";
import { type DeviceId, parseDeviceId } from "../core/device-id.ts";
import type { DeviceDescription, DeviceRequest } from "../core/devices.ts";
import { LIMITS } from "../core/limits.ts";
import type { PushTarget } from "../core/ports/device-records.ts";
import { rawMembers } from "../core/raw-json.ts";
import { decodeBody } from "./json-body.ts";
import { Printable } from "./key-text.ts";

const Name = z
  .string()
  .meta({ description: "What people call the device", examples: ["Lobby"] })
  .optional();
const Meta = z
  .record(z.string(), z.unknown())
  .meta({
    description: "Whatever the backend wants to know of the device; numbers keep their digits",
    examples: [{ site: "north", model: "K2" }],
  })
  .optional();
const Enroll = z
  .boolean()
  .describe("Whether a terminal with the fleet's key may get a secret of this device")
  .optional();

/** The body of `POST /v1/devices`. */
export const NewDeviceBody = z.strictObject({
  id: z
    .string()
    .meta({
      description: "1 to 64 of A-Z a-z 0-9 . _ - with a letter or digit first. Absent: one is made",
      examples: ["kiosk-7"],
    })
    .optional(),
  name: Name,
  meta: Meta,
  enroll: Enroll,
});

/** The body of `PATCH /v1/devices/{id}`; its meta is a merge patch (RFC 7396). */
export const DeviceChangeBody = z.strictObject({ name: Name, meta: Meta, enroll: Enroll });

/** The body of `POST /v1/enroll`. */
export const EnrollBody = z.strictObject({
  key: z.string().describe("The fleet's key, unless the Authorization header holds it").optional(),
  device: z.string().meta({ description: "The id of the device", examples: ["kiosk-7"] }),
  name: Name,
  meta: Meta,
});

/** The body of `PUT /v1/devices/{id}/push`. */
export const PushBody = z.strictObject({
  provider: z
    .string()
    .meta({ description: "As the server's configuration calls it", examples: ["jpush"] }),
  token: Printable.min(1)
    .max(LIMITS.pushTokenMaxChars)
    .meta({ description: "What names the device to the provider", examples: ["1507bfd3f7f"] }),
});

/** What a terminal says that registers itself. */
export interface EnrollRequest extends DeviceDescription {
  readonly key?: string;
  readonly device: DeviceId;
}

/** Decodes a new device; nothing at all is one with an id of our making. Throws `device_invalid` or `device_malformed`. */
export function decodeNewDevice(text: string): DeviceRequest {
  if (text.trim() === "") return {};
  const { id, ...others } = decodeBody(NewDeviceBody, text, "device_invalid");
  return { ...(id !== undefined && { id: parseDeviceId(id) }), ...described(others, text) };
}

/** Decodes what is to be changed of a device, or throws `device_invalid`. */
export function decodeDeviceChange(text: string): Omit<DeviceRequest, "id"> {
  return described(decodeBody(DeviceChangeBody, text, "device_invalid"), text);
}

/** Decodes what a terminal says that registers itself. Throws `device_invalid` or `device_malformed`. */
export function decodeEnroll(text: string): EnrollRequest {
  const { key, device, ...others } = decodeBody(EnrollBody, text, "device_invalid");
  return {
    ...(key !== undefined && { key }),
    device: parseDeviceId(device),
    ...described(others, text),
  };
}

/** Decodes by what a device can be woken, or throws `push_invalid`. */
export function decodePushTarget(text: string): PushTarget {
  return decodeBody(PushBody, text, "push_invalid");
}

/** The same with meta as it was written. */
function described<Fields extends z.infer<typeof DeviceChangeBody>>(
  { name, enroll }: Fields,
  text: string,
): Omit<DeviceRequest, "id"> {
  const meta = rawMembers(text).get("meta");
  return {
    ...(name !== undefined && { name }),
    ...(meta !== undefined && { meta }),
    ...(enroll !== undefined && { enroll }),
  };
}
