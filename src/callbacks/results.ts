import { z } from "zod";
import { decodeBase64Json } from "../core/base64-json.ts";
import { type Channel, parseChannel } from "../core/channel.ts";
import { parseDeviceId } from "../core/device-id.ts";
import type {
  ConnectGrant,
  PublishGrant,
  RefreshGrant,
  RpcResult,
  SubscribeGrant,
} from "../core/ports/backend.ts";
import type { TokenSub } from "../core/ports/tokens.ts";
import { onOneLine, rawMembers } from "../core/raw-json.ts";
import { parseOverride } from "../core/subscription-override.ts";
import { Key } from "../protocol/key-text.ts";
import { createAnswerDecoder, type RawMembers } from "./answer.ts";
import { optional } from "./optional.ts";

/** The last second that a `Date` can tell. */
const TIME_MAX_S = 8.64e12;

const Seconds = optional(z.number().min(0).max(TIME_MAX_S));
const Text = optional(z.string());
const Flag = optional(z.boolean()).transform((flag = false) => flag);
const Texts = optional(z.array(z.string())).transform((texts = []) => texts);

const SubFields = z.object({
  b64info: optional(z.base64()),
  b64data: optional(z.base64()),
  override: z.unknown().optional(),
});

export const decodeConnectAnswer = createAnswerDecoder({
  fields: z.object({
    user: Text,
    expire_at: Seconds,
    b64info: optional(z.base64()),
    b64data: optional(z.base64()),
    channels: Texts,
    subs: optional(z.record(z.string(), SubFields)),
    devices: Texts,
  }),
  read: (fields, raw): ConnectGrant => ({
    user: fields.user ?? "",
    ...endOf(fields.expire_at),
    ...payload("info", raw, fields.b64info),
    ...payload("data", raw, fields.b64data),
    ...payload("meta", raw),
    channels: [...new Set(fields.channels.map(parseChannel))],
    subs: readSubs(fields.subs ?? {}, raw),
    devices: [...new Set(fields.devices.map(parseDeviceId))],
  }),
});

export const decodeRefreshAnswer = createAnswerDecoder({
  fields: z.object({ expired: Flag, expire_at: Seconds, b64info: optional(z.base64()) }),
  read: (fields, raw): RefreshGrant => ({
    expired: fields.expired,
    ...endOf(fields.expire_at),
    ...payload("info", raw, fields.b64info),
    ...payload("meta", raw),
  }),
});

export const decodeSubscribeAnswer = createAnswerDecoder({
  fields: SubFields.extend({ expire_at: Seconds }),
  read: (fields, raw): SubscribeGrant => ({ ...endOf(fields.expire_at), ...readSub(fields, raw) }),
});

export const decodePublishAnswer = createAnswerDecoder({
  fields: z.object({
    b64data: optional(z.base64()),
    skip_history: Flag,
    tags: optional(z.record(z.string(), z.string())),
    idempotency_key: optional(Key),
    delta: Flag,
    version: optional(z.int().min(0)),
    version_epoch: optional(Key),
  }),
  read: (fields, raw): PublishGrant => ({
    ...payload("data", raw, fields.b64data),
    skipHistory: fields.skip_history,
    ...(fields.tags && { tags: fields.tags }),
    ...(fields.idempotency_key && { idempotencyKey: fields.idempotency_key }),
    delta: fields.delta,
    version: fields.version ?? 0,
    versionEpoch: fields.version_epoch ?? "",
  }),
});

export const decodeRpcAnswer = createAnswerDecoder({
  fields: z.object({ b64data: optional(z.base64()) }),
  read: (fields, raw): RpcResult => {
    const data = raw.get("data");
    // Here null is a payload like any other.
    return data === "null" ? { data } : payload("data", raw, fields.b64data);
  },
});

function readSubs(
  subs: Readonly<Record<string, z.infer<typeof SubFields>>>,
  raw: RawMembers,
): ReadonlyMap<Channel, TokenSub> {
  const texts = rawMembers(raw.get("subs") ?? "{}");
  return new Map(
    Object.entries(subs).map(([name, fields]) => [
      parseChannel(name),
      readSub(fields, rawMembers(texts.get(name) ?? "{}")),
    ]),
  );
}

function readSub(fields: z.infer<typeof SubFields>, raw: RawMembers): TokenSub {
  const override = fields.override == null ? {} : parseOverride(fields.override);
  return {
    ...payload("info", raw, fields.b64info),
    ...payload("data", raw, fields.b64data),
    ...(Object.keys(override).length > 0 && { override }),
  };
}

/** 0 is never, as in tokens. */
function endOf(expireAtS = 0): { readonly expiresAtMs?: number } {
  return expireAtS === 0 ? {} : { expiresAtMs: Math.ceil(expireAtS) * 1000 };
}

/** The member of that name as it was written, or what its twin in base64 holds. */
function payload<Name extends string>(
  name: Name,
  raw: RawMembers,
  base64?: string,
): { readonly [Key in Name]?: string };
function payload(name: string, raw: RawMembers, base64?: string) {
  const text = base64 === undefined ? (raw.get(name) ?? "null") : decodeBase64Json(base64);
  return text === "null" ? {} : { [name]: onOneLine(text) };
}
