import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { Backend, BackendAnswer, BackendClient } from "../core/ports/backend.ts";
import type { WebClient } from "../core/ports/web-client.ts";
import type { DecodedAnswer } from "./answer.ts";
import {
  encodeConnectQuestion,
  encodePublishQuestion,
  encodeRefreshQuestion,
  encodeRpcQuestion,
  encodeSubscribeQuestion,
} from "./question-body.ts";
import {
  decodeConnectAnswer,
  decodePublishAnswer,
  decodeRefreshAnswer,
  decodeRpcAnswer,
  decodeSubscribeAnswer,
} from "./results.ts";
import { createTurns } from "./turns.ts";

export interface BackendOptions {
  /** Where each question goes; what is absent is not asked. */
  readonly urls: { readonly [Name in keyof Backend]?: string };
  /** Counted from a question's turn. */
  readonly timeoutMs: number;
  /** Names of client headers to pass on, in lower case. */
  readonly headers: readonly string[];
  /** The Authorization header to send. */
  readonly authorization?: string;
  readonly web: WebClient;
}

interface Form<Question, Result> {
  readonly encode: (question: Question) => string;
  readonly decode: (text: string) => DecodedAnswer<Result>;
}

type Method<Question, Result> = (question: Question) => Promise<BackendAnswer<Result>>;

const CONNECT = { encode: encodeConnectQuestion, decode: decodeConnectAnswer };
const REFRESH = { encode: encodeRefreshQuestion, decode: decodeRefreshAnswer };
const SUBSCRIBE = { encode: encodeSubscribeQuestion, decode: decodeSubscribeAnswer };
const PUBLISH = { encode: encodePublishQuestion, decode: decodePublishAnswer };
const RPC = { encode: encodeRpcQuestion, decode: decodeRpcAnswer };

/** What a header can hold. A client can emulate any text as a header's value, also one that would forge a header. */
const HEADER_VALUE_PATTERN = /^[\x20-\x7e\x80-\xff]*$/;

/** Asks the backend over HTTP: one POST per question. */
export function createBackend(options: BackendOptions): Backend {
  const { urls, timeoutMs, headers, authorization, web } = options;
  const turns = createTurns({
    runningMax: LIMITS.backendQuestions,
    waitingMax: LIMITS.backendQuestionsQueued,
  });
  const own = {
    "content-type": "application/json",
    ...(authorization !== undefined && { authorization }),
  };

  /** One method of the port, or undefined when it has no URL. */
  function method<Question extends BackendClient, Result>(
    name: keyof Backend,
    { encode, decode }: Form<Question, Result>,
  ): Method<Question, Result> | undefined {
    const url = urls[name];
    if (url === undefined) return undefined;
    const ask: Method<Question, Result> = async (question) => {
      const answer = await web.send({
        method: "POST",
        url,
        headers: { ...forwarded(headers, question.headers), ...own },
        body: encode(question),
        timeoutMs,
        answerMaxBytes: LIMITS.backendAnswerMaxBytes,
      });
      if (!answer.ok) throw unreachable(name, answer.why, answer.cause);
      if (answer.status !== 200) throw unreachable(name, `answered with status ${answer.status}`);
      const decoded = decode(answer.text);
      if (!decoded.ok) throw unreachable(name, decoded.why);
      return decoded.answer;
    };
    return (question) => turns.take(() => ask(question));
  }

  const connect = method("connect", CONNECT);
  const refresh = method("refresh", REFRESH);
  const subscribe = method("subscribe", SUBSCRIBE);
  const publish = method("publish", PUBLISH);
  const rpc = method("rpc", RPC);
  return {
    ...(connect && { connect }),
    ...(refresh && { refresh }),
    ...(subscribe && { subscribe }),
    ...(publish && { publish }),
    ...(rpc && { rpc }),
  };
}

function forwarded(
  names: readonly string[],
  headers: Readonly<Record<string, string>>,
): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
    if (value !== undefined && HEADER_VALUE_PATTERN.test(value)) found[name] = value;
  }
  return found;
}

function unreachable(name: string, why: string, cause?: unknown): Fault {
  return new Fault("backend_unreachable", { detail: `callbacks.${name}: it ${why}`, cause });
}
