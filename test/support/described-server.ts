import type { z } from "zod";
import { ANSWERS } from "../../src/openapi/answers.ts";
import { refusalsOf } from "../../src/openapi/document.ts";
import type { Operation } from "../../src/openapi/operation.ts";
import { OPERATIONS } from "../../src/openapi/operations.ts";
import { type Answer, ask } from "./guided-device.ts";

type Headers = Readonly<Record<string, string>>;

/** Where the document says that they are not always there. */
const SOMETIMES = new Set(["Retry-After"]);

/**
 * A server, asked by somebody who has read its OpenAPI document: every answer has to be one that the
 * document describes, with nothing missing and nothing more.
 */
export class DescribedServer {
  readonly #url: string;
  readonly #answered = new Set<string>();

  constructor(url: string) {
    this.#url = url;
  }

  /** Operations that were never answered as they should be when all is well. */
  get unanswered(): readonly string[] {
    return OPERATIONS.map(({ id }) => id).filter((id) => !this.#answered.has(id));
  }

  /** Asks with these headers. */
  as(who: Headers) {
    return async (
      request: `${Operation["method"]} /${string}`,
      body?: object | string,
      headers: Headers = {},
    ): Promise<Answer> => {
      const [method = "", path = ""] = request.split(" ");
      const all = { "content-type": "application/json", ...who, ...headers };
      const init = { method, headers: all, ...(body !== undefined && { body }) };
      const answer = await ask(`${this.#url}${path}`, init);
      const operation = operationFor(method, new URL(path, this.#url).pathname);
      try {
        this.#check(operation, answer);
        if (isTaken(answer) && body !== undefined) checkRequest(operation, body, all);
      } catch (cause) {
        const found = `${request} was answered ${answer.status} ${answer.text}`;
        throw new Error(`${operation.id} is not as described: ${found}`, { cause });
      }
      return answer;
    };
  }

  #check(operation: Operation, answer: Answer): void {
    const described = operation.answers[answer.status];
    if (described === undefined) {
      checkRefusal(operation, answer);
      return;
    }
    this.#answered.add(operation.id);
    for (const name of Object.keys(described.headers ?? {})) {
      if (!SOMETIMES.has(name) && !answer.headers.has(name)) throw new Error(`${name} is missing`);
    }
    if (described.media === undefined) {
      if (answer.text !== "") throw new Error("it has a body");
    } else {
      schemaFor(described.media, answer.headers.get("content-type")).parse(contentOf(answer));
    }
  }
}

/** What is no JSON is described as text. */
function contentOf({ headers, body, text }: Answer): unknown {
  return headers.get("content-type")?.includes("json") ? body : text;
}

/** The server API says no with status 200. */
function isTaken({ status, body }: Answer): boolean {
  return status < 300 && body["error"] === undefined;
}

function checkRequest(operation: Operation, body: object | string, headers: Headers): void {
  const type = headers["content-type"] ?? "";
  const isText = !type.includes("/json");
  const value: unknown = typeof body === "string" && !isText ? JSON.parse(body) : body;
  schemaFor(operation.body?.media ?? {}, type).parse(value);
}

function checkRefusal(operation: Operation, { status, headers, body }: Answer): void {
  const media = { "application/problem+json": ANSWERS.Problem };
  schemaFor(media, headers.get("content-type")).parse(body);
  const codes: readonly string[] = refusalsOf(operation).get(String(status)) ?? [];
  if (!codes.includes(String(body["code"]))) throw new Error(`${status} is not described`);
}

function schemaFor(media: Readonly<Record<string, z.ZodType>>, type: string | null): z.ZodType {
  const schema = media[type?.split(";", 1)[0] ?? ""];
  if (schema === undefined) throw new Error(`nothing is described for ${type}`);
  return schema;
}

/** The one with the fewest variable parts, as the router has it. */
function operationFor(method: string, path: string): Operation {
  const variables = ({ path: it }: Operation) => it.split(":").length;
  const [found] = OPERATIONS.filter(
    (it) => it.method === method && pattern(it.path).test(path),
  ).toSorted((a, b) => variables(a) - variables(b));
  if (found === undefined) throw new Error(`the document has no ${method} ${path}`);
  return found;
}

function pattern(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(".", "\\.").replace(/:\w+/g, "[^/]+")}$`);
}
