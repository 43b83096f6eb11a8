import { z } from "zod";
import { LIMITS } from "../core/limits.ts";
import type { LoginOutcome, LoginProvider } from "../core/ports/login-provider.ts";
import { readAnswer } from "./answer.ts";
import {
  type LoginSurroundings,
  type MiniProgramSettings,
  OptionalPlatformId,
  stoppedOrOdd,
} from "./mini-program.ts";

const DEFAULT_URL = "https://developer.toutiao.com";

/** The session key is not even read: nobody here needs it. */
const Answer = z.object({
  err_no: z.int(),
  log_id: z.string().default(""),
  data: z.object({ openid: OptionalPlatformId, unionid: OptionalPlatformId }).nullish(),
});

type Answer = z.infer<typeof Answer>;

const BUSY = -1;
/** Whether a code was used or is wrong is not told apart. */
const BAD_CODE = 40018;

/** What only an operator can put right. */
const STOPS: ReadonlyMap<number, string> = new Map([
  [40015, "does not know the app id"],
  [40017, "does not accept the secret"],
]);

/** Logs users of a Douyin mini-program in by the code of `tt.login` (code2Session). */
export function createDouyinLogin(
  settings: MiniProgramSettings,
  { web }: Pick<LoginSurroundings, "web">,
): LoginProvider {
  const { appId, secret, url = DEFAULT_URL } = settings;
  const base = url.replace(/\/+$/, "");
  return {
    async identify(code) {
      const answer = await web.send({
        method: "POST",
        url: `${base}/api/apps/v2/jscode2session`,
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ appid: appId, secret, code }),
        timeoutMs: LIMITS.loginTimeoutMs,
        answerMaxBytes: LIMITS.loginAnswerMaxBytes,
      });
      const read = readAnswer(Answer, answer);
      return "failure" in read ? read.failure : outcomeOf(read.body, settings.user);
    },
  };
}

function outcomeOf(answer: Answer, user: MiniProgramSettings["user"]): LoginOutcome {
  if (answer.err_no !== 0) return failureOf(answer);
  const id = answer.data?.[user];
  if (id !== undefined) return { outcome: "known", id };
  if (answer.data?.openid !== undefined)
    return { outcome: "stopped", why: "answered without a unionid" };
  return { outcome: "odd", why: "answered without an openid" };
}

function failureOf(answer: Answer): LoginOutcome {
  const { err_no } = answer;
  const why = `answered with err_no ${err_no}${logIdIn(answer)}`;
  if (err_no === BUSY) return { outcome: "busy", why };
  if (err_no === BAD_CODE) return { outcome: "refused", reason: "code_invalid", why };
  return stoppedOrOdd(STOPS.get(err_no), why);
}

/** What Douyin's support asks for. */
function logIdIn({ log_id }: Answer): string {
  return /^\w{1,64}$/.test(log_id) ? `, log_id ${log_id}` : "";
}
