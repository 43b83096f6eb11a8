import { z } from "zod";
import { optionalChoice, optionalSecret, optionalText, unmet } from "./fields.ts";
import { isPath, isWebhookSecret, isWebUrl, WEBHOOK_SECRET_WANTED } from "./text-rules.ts";

/** The keys of one table beside `provider`. */
const keys = {
  url: optionalText({
    wanted: 'an http or https URL, such as "https://api.jpush.cn"',
    description:
      "Where the service is: for jpush and fcm only when it is not at its usual place, for webhook where wake-ups are posted.",
    isRight: isWebUrl,
  }),
  app_key: optionalText({
    wanted: "the app key of an app of JPush",
    description: "For jpush: the app whose devices are woken.",
    isRight: (key) => /^[A-Za-z0-9]{1,64}$/.test(key),
  }),
  secret: optionalSecret({
    wanted: "a text of printable ASCII without spaces",
    description:
      "For jpush the master secret of the app; for webhook the secret that signs what is posted, whsec_ and base64. Better set as POSTHORN_PUSH__<NAME>__SECRET, with _ for each - of the name.",
    isRight: (secret) => /^[\x21-\x7e]+$/.test(secret),
  }),
  credentials: optionalText({
    wanted: "the path of a JSON file",
    description: "For fcm: the key file of a service account that may send messages.",
    isRight: isPath,
  }),
  package: optionalText({
    wanted: 'the name of an Android package, such as "com.example.kiosk"',
    description: "For fcm: the only app that may get the wake-ups.",
    isRight: (name) => /^[A-Za-z]\w*(?:\.[A-Za-z]\w*)+$/.test(name),
  }),
} as const;

type Keys = { readonly [Key in keyof typeof keys]?: string | undefined };

interface ProviderRules {
  /** What it cannot do without, with what is wanted of it, and what else it takes. */
  readonly needed: { readonly [Key in keyof typeof keys]?: string };
  readonly taken: readonly (keyof typeof keys)[];
  /** A key that does not fit this provider, with what is wanted of it. */
  readonly misfit: (keys: Keys) => readonly [keyof typeof keys, string] | undefined;
  /** The checked keys in their final form. */
  readonly settings: (keys: Keys, pathOf: (path: string) => string) => object;
}

/** All there is to know of each provider here; what wakes devices is in `src/push`. */
const PROVIDERS = {
  jpush: {
    needed: {
      app_key: "the app key of an app of JPush",
      secret: "the master secret of the app, in printable ASCII without spaces",
    },
    taken: ["url"],
    misfit: noQuery,
    settings: ({ url, app_key, secret }: Keys) => ({
      appKey: needed(app_key),
      secret: needed(secret),
      ...(url !== undefined && { url }),
    }),
  },
  fcm: {
    needed: { credentials: "the path of the JSON key file of a service account" },
    taken: ["url", "package"],
    misfit: noQuery,
    settings: ({ url, credentials, package: packageName }: Keys, pathOf) => ({
      credentialsFile: pathOf(needed(credentials)),
      ...(url !== undefined && { url }),
      ...(packageName !== undefined && { packageName }),
    }),
  },
  webhook: {
    needed: {
      url: 'an http or https URL, such as "https://backend.example.com/posthorn/wake"',
      secret: WEBHOOK_SECRET_WANTED,
    },
    taken: [],
    misfit: ({ secret }: Keys) =>
      secret === undefined || isWebhookSecret(secret)
        ? undefined
        : ["secret", WEBHOOK_SECRET_WANTED],
    settings: ({ url, secret }: Keys) => ({ url: needed(url), secret: needed(secret) }),
  },
} as const satisfies Record<string, ProviderRules>;

type ProviderName = keyof typeof PROVIDERS;

/** How to reach one provider that wakes devices. */
export type PushConfig = {
  [Name in ProviderName]: { readonly provider: Name } & Readonly<
    ReturnType<(typeof PROVIDERS)[Name]["settings"]>
  >;
}[ProviderName];

const NAMES = Object.keys(PROVIDERS) as [ProviderName, ...ProviderName[]];

const fields = {
  provider: optionalChoice(NAMES, "Whose push service it is. Every table needs it."),
  ...keys,
} as const;

/** One table of the section, and the rules between its keys. */
export const Push = z.strictObject(fields).superRefine((push, { addIssue }) => {
  const { provider, ...others } = push;
  if (provider === undefined) {
    const words = NAMES.map((word) => JSON.stringify(word)).join(", ");
    return addIssue(unmet("provider", `one of ${words}`));
  }
  const rules: ProviderRules = PROVIDERS[provider];
  const known: ReadonlySet<string> = new Set([...Object.keys(rules.needed), ...rules.taken]);
  for (const [key, value] of Object.entries(others)) {
    if (value !== undefined && !known.has(key)) {
      addIssue(unmet(key, `nothing: the provider ${provider} has no use for it`));
    }
  }
  for (const [key, wanted] of Object.entries(rules.needed)) {
    if (push[key as keyof Keys] === undefined) addIssue(unmet(key, wanted));
  }
  const misfit = rules.misfit(others);
  if (misfit) addIssue(unmet(...misfit));
});

/** Gives the checked keys of one table their final form. */
export function toPush(
  { provider, ...others }: z.infer<typeof Push>,
  pathOf: (path: string) => string,
): PushConfig {
  const name = needed(provider);
  // The name and the settings come from the same entry, which the compiler cannot follow.
  return { provider: name, ...PROVIDERS[name].settings(others, pathOf) } as PushConfig;
}

function noQuery({ url }: Keys): readonly ["url", string] | undefined {
  return url?.includes("?") ? ["url", "the base of an API, without a query"] : undefined;
}

function needed<Value>(value: Value | undefined): Value {
  if (value !== undefined) return value;
  throw new Error("Cannot go on: the schema let a push provider pass that lacks a key");
}
