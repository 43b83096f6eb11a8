import { deviceChannel } from "../../core/channel.ts";
import type { DeviceId } from "../../core/device-id.ts";
import {
  encodeOwnEvent,
  type OwnEvent,
  type OwnEventRules,
  type OwnEventType,
} from "../../core/own-event.ts";
import { traceTags } from "../../core/trace-context.ts";
import { webhookEntries } from "../../core/webhook-entries.ts";
import type { AppendInput, AppendOutput } from "./append-statements.ts";

/** What was published, and its place in the device's channel. */
export interface Told {
  readonly type: OwnEventType;
  readonly device: DeviceId;
  readonly data: string;
  readonly timeMs: number;
  readonly tags?: Readonly<Record<string, string>>;
  readonly epoch: string;
  readonly offset: number;
  /** The webhooks that got a row. */
  readonly endpoints: readonly string[];
}

export interface Telling {
  readonly rules: OwnEventRules;
  /** When it is stored; the change itself was dated by whoever asked for it, a little before. */
  readonly nowMs: number;
}

export type Tell = (event: OwnEvent, telling: Telling) => Told;

const NOBODY: readonly string[] = [];

/** Publishes an event on its device's channel and puts it in the outbox, in the running transaction. */
export function prepareTell(append: (input: AppendInput, nowMs: number) => AppendOutput): Tell {
  return (event, { rules, nowMs }) => {
    const { type, device, timeMs, backendData } = event;
    const tags = traceTags(event.trace);
    const data = encodeOwnEvent(event);
    const told = backendData === undefined ? data : encodeOwnEvent({ ...event, data: backendData });
    const { retention } = rules;
    const endpoints = rules.endpoints[type] ?? NOBODY;
    const stored = { timeMs, data, tags: tags ? JSON.stringify(tags) : null, info: null };
    const publication = { channel: deviceChannel(device), ...stored };
    const unguarded = { dedupe: null, version: null };
    const outbox = webhookEntries({ ...event, data: told }, endpoints);
    const { epoch, offset } = append({ ...publication, retention, ...unguarded, outbox }, nowMs);
    return { type, device, data, timeMs, ...(tags && { tags }), epoch, offset, endpoints };
  };
}
