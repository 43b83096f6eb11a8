import { z } from "zod";
import { choice, optionalChoice, optionalSecret, optionalText, unmet } from "./fields.ts";
import { isPath, isWebUrl } from "./text-rules.ts";

/** What there is to know of every login. */
interface CommonLogin {
  readonly url?: string;
  readonly appId: string;
  /** What the ids of this login's users begin with. */
  readonly prefix: string;
}

/** How to ask the platform of one mini-program who its users are. */
export type LoginConfig =
  | (CommonLogin & {
      readonly provider: "wechat" | "douyin";
      readonly secret: string;
      readonly user: "openid" | "unionid";
    })
  | (CommonLogin & {
      readonly provider: "alipay";
      readonly privateKeyFile: string;
      readonly alipayPublicKeyFile?: string;
      readonly user: "openid" | "unionid" | "userid";
    });

const PROVIDERS = ["wechat", "douyin", "alipay"] as const;

/** The path of this name is for who logged in before. */
const TAKEN_NAME = "session";

const fields = {
  provider: optionalChoice(PROVIDERS, "Whose mini-program it is. Every table needs it."),
  url: optionalText({
    wanted: 'an http or https URL without a query, such as "https://api.weixin.qq.com"',
    description:
      'Where the platform is, only when it is not at its usual place, such as "https://open-sandbox.douyin.com"; for alipay with the path, such as "https://openapi-sandbox.dl.alipaydev.com/gateway.do". Whoever answers there decides who users are.',
    isRight: (url) => isWebUrl(url) && !url.includes("?"),
  }),
  app_id: optionalText({
    wanted: "the id of a mini-program (AppID)",
    description: "The mini-program whose users log in. Every table needs it.",
    isRight: (id) => /^\w{1,64}$/.test(id),
  }),
  secret: optionalSecret({
    wanted: "a text of printable ASCII without spaces",
    description:
      "For wechat and douyin, which need it: the secret of the mini-program (AppSecret). Better set as POSTHORN_LOGINS__<NAME>__SECRET, with _ for each - of the name.",
    isRight: (secret) => /^[\x21-\x7e]+$/.test(secret),
  }),
  private_key: optionalText({
    wanted: "the path of a file that holds a key",
    description:
      "For alipay, which needs it: the app's private key (RSA2), in PEM or in bare base64 as Alipay's key tool writes it. In Alipay's console the app is to have public keys, not certificates.",
    isRight: isPath,
  }),
  alipay_public_key: optionalText({
    wanted: "the path of a file that holds a key",
    description:
      "For alipay: its own public key, which its console shows once the app's is set there, in PEM or in bare base64. Then no answer that names a user is believed unless it is signed with it.",
    isRight: isPath,
  }),
  user: choice(
    ["openid", "unionid", "userid"],
    "openid",
    "What names a user: openid is the same in this mini-program only, unionid in all apps of one account of the open platform, to which the mini-program must belong; userid is for apps of alipay that have no openid.",
  ),
  prefix: optionalText({
    wanted: "at most 32 of A-Z a-z 0-9 . _ -",
    description:
      'What the names of users from here begin with, so that nobody is taken for a user of another login. Without it the name of the table and a dash, such as "wechat-"; "" is none.',
    isRight: (prefix) => /^[\w.-]{0,32}$/.test(prefix),
  }),
} as const;

/** The keys that not every provider knows. */
type OwnKey = "secret" | "private_key" | "alipay_public_key";

interface ProviderRules {
  /** What it cannot do without, with what is wanted of it. */
  readonly needed: { readonly [Key in OwnKey]?: string };
  readonly taken: readonly OwnKey[];
}

const BY_SECRET: ProviderRules = { needed: { secret: "an AppSecret" }, taken: [] };
const RULES: Readonly<Record<(typeof PROVIDERS)[number], ProviderRules>> = {
  wechat: BY_SECRET,
  douyin: BY_SECRET,
  alipay: {
    needed: { private_key: "the path of a file that holds the app's private key" },
    taken: ["alipay_public_key"],
  },
};

/** One table of the section, and the rules between its keys. */
export const Login = z.strictObject(fields).superRefine((login, { addIssue }) => {
  const { provider, app_id, user, secret, private_key, alipay_public_key } = login;
  if (app_id === undefined) addIssue(unmet("app_id", "an AppID"));
  if (provider === undefined) {
    const words = PROVIDERS.map((word) => JSON.stringify(word)).join(", ");
    return addIssue(unmet("provider", `one of ${words}`));
  }
  const rules = RULES[provider];
  for (const [key, value] of Object.entries({ secret, private_key, alipay_public_key })) {
    const wanted = rules.needed[key as OwnKey];
    if (wanted !== undefined && value === undefined) addIssue(unmet(key, wanted));
    const isKnown = wanted !== undefined || rules.taken.includes(key as OwnKey);
    if (value !== undefined && !isKnown) {
      addIssue(unmet(key, `nothing: the provider ${provider} has no use for it`));
    }
  }
  if (user === "userid" && provider !== "alipay") {
    addIssue(unmet("user", `one of "openid", "unionid" for the provider ${provider}`));
  }
});

/** Every table of the section. */
export const Logins = z.record(z.string(), Login).superRefine((logins, { addIssue }) => {
  if (Object.hasOwn(logins, TAKEN_NAME)) {
    addIssue(unmet(TAKEN_NAME, `another name: /v1/login/${TAKEN_NAME} is taken`));
  }
});

/** Gives the checked keys of one table their final form. */
export function toLogin(name: string, login: z.infer<typeof Login>): LoginConfig {
  const { provider, url, app_id, user, prefix = `${name}-` } = login;
  const common = { appId: needed(app_id), prefix, ...(url !== undefined && { url }) };
  if (provider === "alipay") {
    const { private_key, alipay_public_key } = login;
    const privateKeyFile = needed(private_key);
    return {
      ...{ provider, ...common, user, privateKeyFile },
      ...(alipay_public_key !== undefined && { alipayPublicKeyFile: alipay_public_key }),
    };
  }
  const secret = needed(login.secret);
  if (user !== "userid") return { provider: needed(provider), ...common, secret, user };
  throw new Error("Cannot go on: the schema let a login pass whose user is none of its platform");
}

function needed<Value>(value: Value | undefined): Value {
  if (value !== undefined) return value;
  throw new Error("Cannot go on: the schema let a login pass that lacks a key");
}
