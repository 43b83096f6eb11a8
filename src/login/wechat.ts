import { z } from "zod";
import { LIMITS } from "../core/limits.ts";
import type { LoginOutcome, LoginProvider, LoginRefusal } from "../core/ports/login-provider.ts";
import { readAnswer } from "./answer.ts";
import {
  type LoginSurroundings,
  type MiniProgramSettings,
  PlatformId,
  stoppedOrOdd,
} from "./mini-program.ts";

const DEFAULT_URL = "https://api.weixin.qq.com";

/** On success there is usually no `errcode`. The session key is not even read: nobody here needs it. */
const Answer = z.object({
  errcode: z.int().default(0),
  errmsg: z.string().default(""),
  openid: PlatformId.optional(),
  unionid: PlatformId.optional(),
});

type Answer = z.infer<typeof Answer>;

const BUSY = -1;

/** The documented errors that are about the code or its user; 41008 is a code that is missing. */
const REFUSALS = new Map<number, LoginRefusal>([
  [40029, "code_invalid"],
  [41008, "code_invalid"],
  [40163, "code_used"],
  [45011, "too_often"],
  [40226, "user_blocked"],
]);

/** What only an operator can put right. */
const STOPS: ReadonlyMap<number, string> = new Map([
  [40013, "does not know the app id"],
  [40125, "does not accept the secret"],
]);

/** Logs users of a WeChat mini-program in by the code of `wx.login` (code2Session). */
export function createWeChatLogin(
  settings: MiniProgramSettings,
  { web }: Pick<LoginSurroundings, "web">,
): LoginProvider {
  const { appId, secret, url = DEFAULT_URL } = settings;
  const base = url.replace(/\/+$/, "");
  return {
    async identify(code) {
      const query = new URLSearchParams({
        appid: appId,
        secret,
        js_code: code,
        grant_type: "authorization_code",
      });
      const answer = await web.send({
        method: "GET",
        // All lower-case: with the capitals of its documented name WeChat answers 40066.
        url: `${base}/sns/jscode2session?${query}`,
        timeoutMs: LIMITS.loginTimeoutMs,
        answerMaxBytes: LIMITS.loginAnswerMaxBytes,
      });
      const read = readAnswer(Answer, answer);
      return "failure" in read ? read.failure : outcomeOf(read.body, settings.user);
    },
  };
}

function outcomeOf(answer: Answer, user: MiniProgramSettings["user"]): LoginOutcome {
  if (answer.errcode !== 0) return failureOf(answer);
  const id = answer[user];
  if (id !== undefined) return { outcome: "known", id };
  if (answer.openid === undefined) return { outcome: "odd", why: "answered without an openid" };
  const why = "answered without a unionid: the mini-program belongs to no open platform account";
  return { outcome: "stopped", why };
}

function failureOf(answer: Answer): LoginOutcome {
  const { errcode } = answer;
  const why = `answered with errcode ${errcode}${ridIn(answer)}`;
  if (errcode === BUSY) return { outcome: "busy", why };
  const reason = REFUSALS.get(errcode);
  if (reason !== undefined) return { outcome: "refused", reason, why };
  return stoppedOrOdd(STOPS.get(errcode), why);
}

/** What WeChat's support asks for. The rest of the text is theirs and may hold anything. */
function ridIn({ errmsg }: Answer): string {
  const rid = /\brid: ([\w-]{1,64})/.exec(errmsg)?.[1];
  return rid === undefined ? "" : `, rid ${rid}`;
}
