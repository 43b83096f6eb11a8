import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Courier } from "../core/ports/courier.ts";
import type { PushProvider, WakeHint, WakeOutcome, WakeRequest } from "../core/ports/push.ts";
import { wakeMembers } from "../core/wake-hint.ts";
import { type Access, AccessTokens } from "./access-tokens.ts";
import { classifyFcm, type FcmVerdict } from "./fcm-answer.ts";
import { readServiceAccount, type ServiceAccount } from "./service-account.ts";

export interface FcmSettings {
  /** The base of the API. */
  readonly url?: string;
  /** The JSON file of a service account. */
  readonly credentialsFile: string;
  /** The Android package that alone may get the wake-ups. */
  readonly packageName?: string;
}

interface Surroundings {
  readonly courier: Courier;
  readonly clock: Clock;
}

const DEFAULT_URL = "https://fcm.googleapis.com";

/** Wakes devices by data messages of Firebase Cloud Messaging (HTTP v1). Throws `config_invalid`. */
export async function createFcm(
  settings: FcmSettings,
  around: Surroundings,
): Promise<PushProvider> {
  const account = await readServiceAccount(settings.credentialsFile);
  return new Fcm({ ...settings, ...around, account });
}

interface FcmOptions extends FcmSettings, Surroundings {
  readonly account: ServiceAccount;
}

class Fcm implements PushProvider {
  readonly #options: FcmOptions;
  readonly #url: string;
  readonly #tokens: AccessTokens;
  #hasSent = false;

  constructor(options: FcmOptions) {
    const { url = DEFAULT_URL, account } = options;
    this.#options = options;
    this.#url = `${url.replace(/\/+$/, "")}/v1/projects/${encodeURIComponent(account.projectId)}/messages:send`;
    this.#tokens = new AccessTokens(options);
  }

  async wake(request: WakeRequest): Promise<WakeOutcome> {
    const first = await this.#tokens.get();
    let verdict = await this.#send(request, first);
    if (verdict.outcome === "unauthenticated" && "token" in first) {
      // It may have been revoked before its time; one that is fresh must do.
      this.#tokens.drop(first.token);
      verdict = await this.#send(request, await this.#tokens.get());
    }
    return this.#decide(verdict);
  }

  async #send({ token, hint }: WakeRequest, access: Access): Promise<FcmVerdict> {
    if ("failure" in access) return access.failure;
    const { courier, clock, packageName } = this.#options;
    const answer = await courier.send({
      method: "POST",
      url: this.#url,
      headers: {
        authorization: `Bearer ${access.token}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({
        validate_only: false,
        message: { token, data: dataOf(hint), android: androidOf(packageName) },
      }),
      timeoutMs: LIMITS.pushTimeoutMs,
      answerMaxBytes: LIMITS.pushAnswerMaxBytes,
    });
    return classifyFcm(answer, clock.nowMs());
  }

  #decide(verdict: FcmVerdict): WakeOutcome {
    switch (verdict.outcome) {
      case "unauthenticated":
        return { outcome: "stopped", why: "does not accept a fresh access token" };
      case "foreign_token":
        // With the wrong service account all tokens are foreign: then none may be dropped.
        if (this.#hasSent) return { outcome: "token_dead" };
        return { outcome: "refused", why: "knows the token from another project" };
      case "sent":
        this.#hasSent = true;
        return verdict;
      default:
        return verdict;
    }
  }
}

/** The hint in the only form that a data message has: texts. */
function dataOf(hint: WakeHint): Readonly<Record<string, string>> {
  const members = Object.entries(wakeMembers(hint));
  return Object.fromEntries(members.map(([name, value]) => [name, String(value)]));
}

/** High priority alone reaches a device that dozes. Of several wake-ups that wait the newest is enough. */
function androidOf(packageName?: string) {
  return {
    priority: "HIGH",
    ttl: `${LIMITS.wakeTtlMs / 1000}s`,
    collapse_key: "wake",
    direct_boot_ok: true,
    ...(packageName !== undefined && { restricted_package_name: packageName }),
  };
}
