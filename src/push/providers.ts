import type { Clock } from "../core/ports/clock.ts";
import type { Courier } from "../core/ports/courier.ts";
import type { Entropy } from "../core/ports/entropy.ts";
import type { PushProvider } from "../core/ports/push.ts";
import type { Signer } from "../core/ports/signer.ts";
import { createFcm, type FcmSettings } from "./fcm.ts";
import { createJPush, type JPushSettings } from "./jpush.ts";
import { createWebhookPush, type WebhookPushSettings } from "./webhook.ts";

/** What each kind of provider wants to know. */
interface SettingsByProvider {
  readonly jpush: JPushSettings;
  readonly fcm: FcmSettings;
  readonly webhook: WebhookPushSettings;
}

type ProviderName = keyof SettingsByProvider;

/** The settings of one provider and which one it is. */
export type PushSettings<Name extends ProviderName = ProviderName> = {
  [Each in Name]: { readonly provider: Each } & SettingsByProvider[Each];
}[Name];

/** What providers need of the world around them. */
export interface PushSurroundings {
  readonly courier: Courier;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly createSigner: (secret: string) => Signer;
}

type Create<Settings> = (
  settings: Settings,
  around: PushSurroundings,
) => PushProvider | Promise<PushProvider>;

/** Every provider there is: a new one is a file and a line here and above, and its table in `config/push-schema.ts`. */
const PROVIDERS: { readonly [Name in ProviderName]: Create<PushSettings<Name>> } = {
  jpush: createJPush,
  fcm: createFcm,
  webhook: createWebhookPush,
};

/**
 * Makes the providers of a configuration, by their names in it. Throws `config_invalid` when a file
 * that their settings name cannot be used.
 */
export async function createPushProviders(
  settings: ReadonlyMap<string, PushSettings>,
  around: PushSurroundings,
): Promise<ReadonlyMap<string, PushProvider>> {
  const making = [...settings].map(
    async ([name, each]) => [name, await createPushProvider(each, around)] as const,
  );
  return new Map(await Promise.all(making));
}

async function createPushProvider<Name extends ProviderName>(
  settings: PushSettings<Name>,
  around: PushSurroundings,
): Promise<PushProvider> {
  return await PROVIDERS[settings.provider](settings, around);
}
