import { Buffer } from "node:buffer";
import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Courier, CourierAnswer } from "../core/ports/courier.ts";
import type { PushProvider, WakeOutcome, WakeRequest } from "../core/ports/push.ts";
import { encodeWakeHint } from "../core/wake-hint.ts";
import { classifyJPush, pauseOf } from "./jpush-answer.ts";
import { CIDS_PER_FETCH, type CidFetch, JPushCids } from "./jpush-cids.ts";
import { asList, membersOf } from "./json-members.ts";

export interface JPushSettings {
  /** The base of the API; apps hosted in Beijing have another. */
  readonly url?: string;
  readonly appKey: string;
  /** The master secret of the app. */
  readonly secret: string;
}

interface Surroundings {
  readonly courier: Courier;
  readonly clock: Clock;
}

const DEFAULT_URL = "https://api.jpush.cn";

/** Wakes devices by custom messages of JPush (Push API v3). */
export function createJPush(settings: JPushSettings, around: Surroundings): PushProvider {
  return new JPush(settings, around);
}

class JPush implements PushProvider {
  readonly #base: string;
  readonly #authorization: string;
  readonly #around: Surroundings;
  readonly #cids: JPushCids;
  /** Until then JPush would only count what we ask against the quota. */
  #quietUntilMs = 0;

  constructor({ url = DEFAULT_URL, appKey, secret }: JPushSettings, around: Surroundings) {
    this.#base = url.replace(/\/+$/, "");
    this.#authorization = `Basic ${Buffer.from(`${appKey}:${secret}`).toString("base64")}`;
    this.#around = around;
    this.#cids = new JPushCids(this.#fetchCids, around.clock);
  }

  async wake(request: WakeRequest): Promise<WakeOutcome> {
    const quietMs = this.#quietMs();
    if (quietMs > 0) {
      return { outcome: "retry", afterMs: quietMs, why: "takes no more calls in this minute" };
    }
    const hint = encodeWakeHint(request.hint);
    const key = `${hint}${request.token}`;
    const taken = await this.#cids.take(key);
    if ("failure" in taken) return taken.failure;
    const { cid } = taken;
    const answer = await this.#call(
      "POST",
      "/v3/push",
      bodyOf({ token: request.token, hint, cid }),
    );
    if (isSuccess(answer)) return { outcome: "sent" };
    const failure = classifyJPush(answer);
    // Whether it was sent is not known, or it was not: with the same id it is sent once in either case.
    if (failure.outcome === "retry") this.#cids.keep(key, cid);
    return failure;
  }

  readonly #fetchCids: CidFetch = async () => {
    const answer = await this.#call("GET", `/v3/push/cid?count=${CIDS_PER_FETCH}`);
    const list =
      answer.ok && answer.status === 200 ? asList(membersOf(answer.text)["cidlist"]) : [];
    const cids = list.filter((cid) => typeof cid === "string");
    return cids.length > 0 ? { cids } : { failure: classifyJPush(answer) };
  };

  async #call(method: "GET" | "POST", path: string, body?: string): Promise<CourierAnswer> {
    const { courier, clock } = this.#around;
    const answer = await courier.send({
      method,
      url: this.#base + path,
      headers: {
        authorization: this.#authorization,
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      timeoutMs: LIMITS.pushTimeoutMs,
      answerMaxBytes: LIMITS.pushAnswerMaxBytes,
      ...(body !== undefined && { body }),
    });
    const pauseMs = pauseOf(answer);
    if (pauseMs > 0) this.#quietUntilMs = clock.monotonicMs() + pauseMs;
    return answer;
  }

  #quietMs(): number {
    return this.#quietUntilMs - this.#around.clock.monotonicMs();
  }
}

interface Push {
  readonly token: string;
  readonly hint: string;
  readonly cid: string;
}

function bodyOf({ token, hint, cid }: Push): string {
  return JSON.stringify({
    platform: ["android"],
    audience: { registration_id: [token] },
    message: { msg_content: hint, content_type: "json", title: "wake" },
    options: { time_to_live: LIMITS.wakeTtlMs / 1000 },
    cid,
  });
}

/** A 200 alone is not enough: captive portals and gateways have such answers too. */
function isSuccess(answer: CourierAnswer): boolean {
  return answer.ok && answer.status === 200 && "msg_id" in membersOf(answer.text);
}
