import type { LoginProvider } from "../core/ports/login-provider.ts";
import { type AlipaySettings, createAlipayLogin } from "./alipay.ts";
import { createDouyinLogin } from "./douyin.ts";
import type { LoginSurroundings, MiniProgramSettings } from "./mini-program.ts";
import { createWeChatLogin } from "./wechat.ts";

/** What each kind of provider wants to know. */
interface SettingsByProvider {
  readonly wechat: MiniProgramSettings;
  readonly douyin: MiniProgramSettings;
  readonly alipay: AlipaySettings;
}

type ProviderName = keyof SettingsByProvider;

/** The settings of one provider and which one it is. */
export type LoginSettings<Name extends ProviderName = ProviderName> = {
  [Each in Name]: { readonly provider: Each } & SettingsByProvider[Each];
}[Name];

type Create<Settings> = (settings: Settings, around: LoginSurroundings) => LoginProvider;

/** Every provider there is: a new one is a file and a line here, and its keys in the configuration. */
const PROVIDERS: { readonly [Name in ProviderName]: Create<LoginSettings<Name>> } = {
  wechat: createWeChatLogin,
  douyin: createDouyinLogin,
  alipay: createAlipayLogin,
};

/** Makes a provider. Throws `config_invalid` when a file that its settings name cannot be used. */
export function createLoginProvider<Name extends ProviderName>(
  settings: LoginSettings<Name>,
  around: LoginSurroundings,
): LoginProvider {
  return PROVIDERS[settings.provider](settings, around);
}
