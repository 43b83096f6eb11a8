import { describe, expect, test } from "bun:test";
import { inspect } from "node:util";
import { LIMITS } from "../../../src/core/limits.ts";
import { decodeLoginBody, decodeSessionBody } from "../../../src/protocol/login-body.ts";
import { decodeTicketBody } from "../../../src/protocol/ticket-body.ts";

const decode = (body: unknown) => decodeTicketBody(JSON.stringify(body));

describe("decodeTicketBody()", () => {
  test("reads whom to let in, and to what", () => {
    const wanted = decode({
      user: "anna",
      channels: ["news", "chat:1", "news"],
      devices: ["kiosk-7", "kiosk-7"],
      commands: { "kiosk-7": ["open", "price.*"] },
      ttl: 15,
    });
    expect<unknown>(wanted).toEqual({
      claims: {
        user: "anna",
        channels: ["news", "chat:1"],
        subs: new Map(),
        devices: ["kiosk-7"],
        commands: new Map([["kiosk-7", ["open", "price.*"]]]),
      },
      ttlMs: 15_000,
    });
  });

  test("needs no more than the user, who may be nobody in particular", () => {
    const { claims, ttlMs } = decode({ user: "" });
    expect([claims.user, claims.channels, claims.devices]).toEqual(["", [], []]);
    expect(ttlMs).toBe(LIMITS.ticketTtlMs);
  });

  test.each([
    [{}, "ticket_invalid", "user: "],
    [{ user: 7 }, "ticket_invalid", "user: "],
    [{ user: "u".repeat(256) }, "ticket_invalid", "user: "],
    [{ user: "a", ttl: 61 }, "ticket_invalid", "ttl: "],
    [{ user: "a", ttl: 0 }, "ticket_invalid", "ttl: "],
    [{ user: "a", ttl: 1.5 }, "ticket_invalid", "ttl: "],
    [{ user: "a", device: "kiosk-7" }, "ticket_invalid", '"device"'],
    [{ user: "a", channels: "news" }, "ticket_invalid", "channels: "],
    [{ user: "a", channels: Array(1001).fill("c") }, "ticket_invalid", "channels: "],
    [{ user: "a", channels: ["no space"] }, "channel_malformed", "no space"],
    [{ user: "a", devices: ["a/b"] }, "device_malformed", "a/b"],
    [{ user: "a", commands: { "a/b": ["*"] } }, "device_malformed", "a/b"],
    [{ user: "a", commands: { d: ["["] } }, "glob_malformed", "not closed"],
    [{ user: "a", commands: { d: Array(33).fill("*") } }, "ticket_invalid", "commands.d: "],
    [{ user: "a", commands: { d: "*" } }, "ticket_invalid", "commands.d: "],
    [
      { user: "a", commands: Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [i, []])) },
      "ticket_invalid",
      "at most 1000 devices",
    ],
    [[], "ticket_invalid", "the whole: "],
  ])("refuses %#: %j", (body, code, detail) => {
    expect(() => decode(body)).toThrow(
      expect.objectContaining({ code, detail: expect.stringContaining(detail) }),
    );
  });

  test("refuses what is no JSON", () => {
    expect(() => decodeTicketBody("{")).toThrow(
      expect.objectContaining({ code: "body_malformed" }),
    );
  });
});

describe("the bodies of logins", () => {
  test("hold one thing each", () => {
    expect(decodeLoginBody('{"code":"c"}')).toBe("c");
    expect(decodeSessionBody('{"session":"s"}')).toBe("s");
  });

  test.each(['{"code":""}', '{"code":7}', "{}", '{"code":"c","user":"anna"}', '"c"'])(
    "are refused as %s",
    (text) => {
      expect(() => decodeLoginBody(text)).toThrow(
        expect.objectContaining({ code: "login_invalid" }),
      );
    },
  );

  test("are bounded", () => {
    const code = "c".repeat(LIMITS.loginCodeMaxChars + 1);
    const session = "s".repeat(LIMITS.tokenMaxChars + 1);
    const refused = expect.objectContaining({ code: "login_invalid" });
    expect(() => decodeLoginBody(JSON.stringify({ code }))).toThrow(refused);
    expect(() => decodeSessionBody(JSON.stringify({ session }))).toThrow(refused);
  });

  test.each(["canary", "canary-secret.x", '{"session":canary}', "code=canary"])(
    "are not quoted when they are no JSON: %s",
    (text) => {
      for (const decode of [decodeLoginBody, decodeSessionBody]) {
        let thrown: unknown;
        try {
          decode(text);
        } catch (error) {
          thrown = error;
        }
        expect(thrown).toMatchObject({ code: "body_malformed" });
        expect(inspect(thrown, { depth: 9 }).replace(/\n +at .*/g, "")).not.toContain("canary");
      }
    },
  );
});
