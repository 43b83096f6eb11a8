import { z } from "zod";
import { choice, optionalChoice, optionalSecret, optionalText, unmet } from "./fields.ts";
import { isWebUrl } from "./text-rules.ts";

/** How to ask the platform of one mini-program who its users are. */
export interface LoginConfig {
  readonly provider: (typeof PROVIDERS)[number];
  readonly url?: string;
  readonly appId: string;
  readonly secret: string;
  readonly user: "openid" | "unionid";
  /** What the ids of this login's users begin with. */
  readonly prefix: string;
}

const PROVIDERS = ["wechat", "douyin"] as const;

/** The path of this name is for who logged in before. */
const TAKEN_NAME = "session";

const fields = {
  provider: optionalChoice(PROVIDERS, "Whose mini-program it is. Every table needs it."),
  url: optionalText({
    wanted: 'an http or https URL without a query, such as "https://api.weixin.qq.com"',
    description:
      'Where the platform is, only when it is not at its usual place, such as "https://open-sandbox.douyin.com". Whoever answers there decides who users are.',
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
      "The secret of the mini-program (AppSecret). Every table needs it. Better set as POSTHORN_LOGINS__<NAME>__SECRET, with _ for each - of the name.",
    isRight: (secret) => /^[\x21-\x7e]+$/.test(secret),
  }),
  user: choice(
    ["openid", "unionid"],
    "openid",
    "What names a user: openid is the same in this mini-program only, unionid in all apps of one account of the open platform, to which the mini-program must belong.",
  ),
  prefix: optionalText({
    wanted: "at most 32 of A-Z a-z 0-9 . _ -",
    description:
      'What the names of users from here begin with, so that nobody is taken for a user of another login. Without it the name of the table and a dash, such as "wechat-"; "" is none.',
    isRight: (prefix) => /^[\w.-]{0,32}$/.test(prefix),
  }),
} as const;

/** One table of the section, and the rules between its keys. */
export const Login = z.strictObject(fields).superRefine((login, { addIssue }) => {
  const words = PROVIDERS.map((word) => JSON.stringify(word)).join(", ");
  const needed = {
    provider: `one of ${words}`,
    app_id: "an AppID",
    secret: "an AppSecret",
  } as const;
  for (const [key, wanted] of Object.entries(needed)) {
    if (login[key as keyof typeof needed] === undefined) addIssue(unmet(key, wanted));
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
  const { provider, url, app_id: appId, secret, user, prefix = `${name}-` } = login;
  if (provider !== undefined && appId !== undefined && secret !== undefined) {
    return { provider, appId, secret, user, prefix, ...(url !== undefined && { url }) };
  }
  throw new Error("Cannot go on: the schema let a login pass that lacks a key");
}
