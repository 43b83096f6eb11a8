import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

interface Answer {
  readonly statusCode: number;
  readonly data: unknown;
}

/** What one call of `wx.request` comes to: an answer, or the words of the phone. */
type Outcome = Answer | string;

interface RequestOptions {
  readonly url: string;
  readonly success: (answer: Answer) => void;
  readonly fail: (error: { readonly errMsg: string }) => void;
}

/** The `getTicket` of the README's block, on a phone where each request comes to the next outcome. */
function getTicketOf(readme: string, ...outcomes: readonly Outcome[]) {
  const text = readFileSync(resolve(import.meta.dir, "../../..", readme), "utf8");
  const blocks = [...text.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
  const block = blocks.find((it) => it.includes("async function getTicket()")) ?? "";
  const asked: string[] = [];
  const stored = new Map<string, unknown>();
  const wx = {
    getStorageSync: (key: string) => stored.get(key) ?? "",
    setStorageSync: (key: string, value: unknown) => void stored.set(key, value),
    login: async () => ({ code: "c" }),
    request: ({ url, success, fail }: RequestOptions) => {
      const outcome = outcomes[asked.length] ?? "request:fail no outcome is left";
      asked.push(new URL(url).pathname);
      if (typeof outcome === "string") fail({ errMsg: outcome });
      else success(outcome);
    },
  };
  const getTicket: () => Promise<unknown> = new Function("wx", `${block}; return getTicket;`)(wx);
  return { getTicket, asked };
}

const SIGNED_IN = { statusCode: 200, data: { session: "s", ticket: "pht_1" } };
const REFUSED = { code: "login_code_invalid", title: "Cannot log in", detail: "invalid code" };

describe.each(["README.md", "README.zh-CN.md"])("getTicket of %s", (readme) => {
  test("signs in once, and then shows its session until that is over", async () => {
    const again = { statusCode: 200, data: { ticket: "pht_2" } };
    const over = { statusCode: 401, data: { code: "session_invalid" } };
    const { getTicket, asked } = getTicketOf(readme, SIGNED_IN, again, over, SIGNED_IN);
    expect([await getTicket(), await getTicket(), await getTicket()]).toEqual([
      "pht_1",
      "pht_2",
      "pht_1",
    ]);
    const [login, session] = ["/v1/login/wechat", "/v1/login/session"];
    expect(asked).toEqual([login ?? "", session ?? "", session ?? "", login ?? ""]);
  });

  test.each<[Outcome, string]>([
    [{ statusCode: 400, data: REFUSED }, "login_code_invalid: invalid code"],
    [{ statusCode: 503, data: { code: "draining", title: "Going" } }, "draining: Going"],
    [{ statusCode: 502, data: "<html>" }, "login: 502"],
    ["request:fail timeout", "request:fail timeout"],
  ])("says in words why there is no ticket: %j", async (outcome, said) => {
    const error = await getTicketOf(readme, outcome)
      .getTicket()
      .catch((it: unknown) => it);
    expect(error).toEqual(new Error(said));
  });
});
