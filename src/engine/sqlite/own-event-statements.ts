import { deviceChannel } from "../../core/channel.ts";
import type { DeviceId } from "../../core/device-id.ts";
import { encodeOwnEvent, type OwnEvent, type OwnEventRules } from "../../core/own-event.ts";
import { webhookEntries } from "../../core/webhook-entries.ts";
import type { AppendInput, AppendOutput } from "./append-statements.ts";

/** What was published, and its place in the device's channel. */
export interface Told {
  readonly device: DeviceId;
  readonly data: string;
  readonly timeMs: number;
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
    const { device, timeMs, backendData } = event;
    const data = encodeOwnEvent(event);
    const told = backendData === undefined ? data : encodeOwnEvent({ ...event, data: backendData });
    const { retention } = rules;
    const endpoints = rules.endpoints[event.type] ?? NOBODY;
    const publication = { channel: deviceChannel(device), timeMs, data, tags: null, info: null };
    const unguarded = { dedupe: null, version: null };
    const outbox = webhookEntries({ ...event, data: told }, endpoints);
    const { epoch, offset } = append({ ...publication, retention, ...unguarded, outbox }, nowMs);
    return { device, data, timeMs, epoch, offset, endpoints };
  };
}
