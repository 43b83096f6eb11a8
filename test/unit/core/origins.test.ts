import { describe, expect, test } from "bun:test";
import { parseGlob } from "../../../src/core/glob.ts";
import { allowsOrigin } from "../../../src/core/origins.ts";

const HOST = "push.example.com";
const LIST = ["https://app.example.com", "https://*.example.net", "http://*:5173", "null"].map(
  parseGlob,
);

describe("allowsOrigin()", () => {
  test.each<readonly [what: string, origin: string | null, host: string | null]>([
    ["no origin: a program", null, HOST],
    ["an empty origin", "", HOST],
    ["a mini-game of WeChat", "weapp://wechat-game-runtime", HOST],
    ["a mini-program of WeChat", "https://servicewechat.com", HOST],
    ["its Referer in place of an origin", "https://servicewechat.com/wx1/7/page-frame.html", HOST],
    ["a page of our own host", "https://push.example.com", HOST],
    ["the same over plain http", "http://push.example.com", HOST],
    ["the same in another case", "HTTPS://Push.Example.com", "PUSH.example.COM"],
    ["our own host with a port", "http://127.0.0.1:8077", "127.0.0.1:8077"],
    ["our own host by IPv6", "http://[::1]:8077", "[::1]:8077"],
    ["the default port in the Host header", "https://push.example.com", "push.example.com:443"],
    ["the default port of plain http", "http://push.example.com", "push.example.com:80"],
    ["a page that is listed", "https://app.example.com", HOST],
    ["a page that is listed, in another case", "https://APP.example.com", HOST],
    ["a page that matches a pattern", "https://a.b.example.net", HOST],
    ["a page with a port that matches", "http://localhost:5173", HOST],
    ["no origin that could be named, where that is listed", "null", HOST],
  ])("allows %s: %j at %j", (_, origin, host) => {
    expect(allowsOrigin({ origin, host }, LIST)).toBe(true);
  });

  test.each<readonly [what: string, origin: string, host: string | null]>([
    ["a foreign page", "https://evil.example.org", HOST],
    ["the scheme of a listed page changed", "http://app.example.com", HOST],
    ["a name that only ends like ours", "https://evilpush.example.com", HOST],
    ["a name that only begins like ours", "https://push.example.com.evil.org", HOST],
    ["a name that only begins like a listed one", "https://app.example.com.evil.org", HOST],
    ["a user name like our host", "https://push.example.com@evil.org", HOST],
    ["another port of our host", "https://push.example.com:8443", HOST],
    ["another default port", "https://push.example.com", "push.example.com:80"],
    ["a mini-program's name on the web", "https://weapp", HOST],
    ["a host that ends like a mini-program's", "https://servicewechat.com.evil.org", HOST],
    ["a user name like a mini-program's host", "https://servicewechat.com@evil.org", HOST],
    ["a port at a mini-program's host", "https://servicewechat.com:8443", HOST],
    ["a mini-program's host over plain http", "http://servicewechat.com", HOST],
    ["something with a path", "weapp://a/b", HOST],
    ["our host under a scheme that is not the web's", "ftp://push.example.com", HOST],
    ["a page, and no Host header to compare with", "https://push.example.com", null],
    ["several origins", "https://push.example.com, https://evil.org", HOST],
  ])("refuses %s: %j at %j", (_, origin, host) => {
    expect(allowsOrigin({ origin, host }, LIST)).toBe(false);
  });

  test("with an empty list refuses a page without a name, and allows everything by *", () => {
    expect(allowsOrigin({ origin: "null", host: HOST }, [])).toBe(false);
    expect(allowsOrigin({ origin: "https://any.org", host: HOST }, [parseGlob("*")])).toBe(true);
  });
});
