import { z } from "zod";
import { optionalSecret, optionalText, textList, unmet } from "./fields.ts";
import { isGlob, isWebhookSecret, isWebUrl, WEBHOOK_SECRET_WANTED } from "./text-rules.ts";

const URL_WANTED = 'an http or https URL, such as "https://backend.example.com/posthorn/events"';

const fields = {
  url: optionalText({
    wanted: URL_WANTED,
    description:
      "Where events are posted, one per request. Every table needs it. What is not answered with a 2xx within ten seconds is posted again for about a day; 410 stops the webhook until a restart or a replay.",
    isRight: isWebUrl,
  }),
  secret: optionalSecret({
    wanted: WEBHOOK_SECRET_WANTED,
    description:
      "The secret that signs every request (Standard Webhooks). Every table needs it. Better set as POSTHORN_WEBHOOKS__<NAME>__SECRET, with _ for each - of the name.",
    isRight: isWebhookSecret,
  }),
  events: textList(
    {
      wanted: 'a list of patterns, such as ["device.*", "command.{done,failed}"]',
      description: "The types of events to post; * stands for anything.",
      isRight: isGlob,
    },
    ["device.*", "command.*"],
  ),
} as const;

/** One table of the section, and the rules between its keys. */
export const Webhook = z.strictObject(fields).superRefine(({ url, secret }, { addIssue }) => {
  if (url === undefined) addIssue(unmet("url", URL_WANTED));
  if (secret === undefined) addIssue(unmet("secret", WEBHOOK_SECRET_WANTED));
});

/** Where the backend is told of which events. */
export interface WebhookConfig {
  readonly name: string;
  readonly url: string;
  readonly secret: string;
  /** Patterns of event types. */
  readonly events: readonly string[];
}

/** Gives the checked keys of one table their final form. */
export function toWebhook(name: string, webhook: z.infer<typeof Webhook>): WebhookConfig {
  const { url, secret, events } = webhook;
  if (url !== undefined && secret !== undefined) return { name, url, secret, events };
  throw new Error("Cannot go on: the schema let a webhook pass that lacks a key");
}
