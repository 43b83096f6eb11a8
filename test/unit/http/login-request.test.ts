import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import { parseLogin } from "../../../src/http/login-request.ts";
import { encodeResume } from "../../../src/ws/resume.ts";

const A = parseChannel("device:a");
const B = parseChannel("device:b");

function login(query: string, headers: Record<string, string> = {}) {
  const url = new URL(`http://posthorn.test/login${query}`);
  return parseLogin(new Request(url, { headers }), url);
}

function resumeAt(offset: number): string {
  const opened = { position: { epoch: "epochone", offset }, publications: [] };
  return encodeResume(new Map([[A, { recoverable: true, positioned: true, opened }]]));
}

describe("the credentials of /login", () => {
  test.each<readonly [string, Record<string, string>, string]>([
    ["", {}, ""],
    ["?token=abc.def.ghi", {}, "abc.def.ghi"],
    ["", { authorization: "Bearer abc" }, "abc"],
    ["", { authorization: "bearer  abc " }, "abc"],
    ["?token=fromquery", { authorization: "Bearer fromheader" }, "fromquery"],
    ["", { authorization: "Basic YTpi" }, ""],
  ])("in %j and %j are %j", (query, headers, token) => {
    expect(login(query, headers).token).toBe(token);
  });
});

describe("the wish for states on /login", () => {
  test.each([
    ["", false],
    ["?state=1", true],
    ["?state=0", false],
  ])("in %j is %j", (query, is) => {
    expect(login(query).withStates).toBe(is);
  });
});

describe("the positions of /login", () => {
  test("are none when nothing is said", () => {
    expect(login("").sinceOf(A)).toEqual([]);
  });

  test("come from the opaque resume value", () => {
    const { sinceOf } = login(`?resume=${resumeAt(7)}`);
    expect(sinceOf(A)).toEqual([{ epoch: "epochone", offset: 7 }]);
    expect(sinceOf(B)).toEqual([]);
  });

  test("come by channel from since", () => {
    const { sinceOf } = login("?since=device:a:epochone:7&since=device:b:epochtwo:0");
    expect(sinceOf(A)).toEqual([{ epoch: "epochone", offset: 7 }]);
    expect(sinceOf(B)).toEqual([{ epoch: "epochtwo", offset: 0 }]);
  });

  test("count for every channel when since names none", () => {
    const { sinceOf } = login("?since=epochone:7&since=epochtwo:8");
    const positions = [
      { epoch: "epochone", offset: 7 },
      { epoch: "epochtwo", offset: 8 },
    ];
    expect(sinceOf(A)).toEqual(positions);
    expect(sinceOf(B)).toEqual(positions);
  });

  test("by name win over those without, and since wins over resume", () => {
    const { sinceOf } = login(`?resume=${resumeAt(7)}&since=device:a:other:9&since=plain:1`);
    expect(sinceOf(A)).toEqual([{ epoch: "other", offset: 9 }]);
    expect(sinceOf(B)).toEqual([{ epoch: "plain", offset: 1 }]);
  });

  test.each(["7", "epoch:", "epoch:-1", "epoch:1.5", "epoch:1e3", `epoch:${"9".repeat(16)}`, ""])(
    "are of no stream when since is %j, so that nothing is taken for recovered",
    (since) => {
      const positions = login(`?since=${encodeURIComponent(since)}`).sinceOf(A);
      expect(positions).toEqual([{ epoch: "unreadable", offset: 0 }]);
    },
  );

  test("are none when resume is not ours", () => {
    expect(login("?resume=nonsense").sinceOf(A)).toEqual([]);
  });
});
