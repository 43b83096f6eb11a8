import { Buffer } from "node:buffer";
import { sign } from "node:crypto";
import { LIMITS } from "../core/limits.ts";
import type { LoginProvider } from "../core/ports/login-provider.ts";
import { outcomeOf, type WantedAnswer } from "./alipay-answer.ts";
import { type AlipayKeyFiles, readAlipayKeys } from "./alipay-keys.ts";
import type { LoginSurroundings } from "./mini-program.ts";

/** How the users of one mini-program of Alipay are told apart. */
export interface AlipaySettings extends AlipayKeyFiles {
  readonly appId: string;
  /** The whole address of the gateway; there is another one for sandboxes. */
  readonly url?: string;
  readonly user: WantedAnswer["user"];
}

const DEFAULT_URL = "https://openapi.alipay.com/gateway.do";
const FORM = "application/x-www-form-urlencoded;charset=utf-8";

/** The gateway knows no zones: every time there is one of China, which has no summer time. */
const CHINA_OFFSET_MS = 8 * 60 * 60 * 1000;

/**
 * Logs users of an Alipay mini-program in by the code of `my.getAuthCode` (alipay.system.oauth.token).
 * Throws `config_invalid` when a key cannot be used.
 */
export function createAlipayLogin(
  settings: AlipaySettings,
  { web, clock }: LoginSurroundings,
): LoginProvider {
  const { appId, url = DEFAULT_URL, user } = settings;
  const { own, theirs } = readAlipayKeys(settings);
  return {
    async identify(code) {
      const common = {
        app_id: appId,
        method: "alipay.system.oauth.token",
        format: "JSON",
        charset: "utf-8",
        sign_type: "RSA2",
        timestamp: chinaTime(clock.nowMs()),
        version: "1.0",
      };
      const asked = { grant_type: "authorization_code", code };
      const signature = sign("sha256", Buffer.from(textToSign({ ...common, ...asked })), own);
      // Addresses end up in logs of others, so the code is not in it.
      const query = new URLSearchParams({ ...common, sign: signature.toString("base64") });
      const answer = await web.send({
        method: "POST",
        url: `${url}?${query}`,
        headers: { "content-type": FORM },
        body: new URLSearchParams(asked).toString(),
        timeoutMs: LIMITS.loginTimeoutMs,
        answerMaxBytes: LIMITS.loginAnswerMaxBytes,
      });
      return outcomeOf(answer, { user, ...(theirs && { key: theirs }) });
    },
  };
}

/** Every parameter in the order of its name, not encoded. */
function textToSign(parameters: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  return pairs.toSorted().join("&");
}

function chinaTime(nowMs: number): string {
  return new Date(nowMs + CHINA_OFFSET_MS).toISOString().slice(0, 19).replace("T", " ");
}
