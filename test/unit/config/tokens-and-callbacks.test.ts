import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/core/limits.ts";
import { load, problemsWith } from "./sources.ts";

const SECRET = "s".repeat(32);

describe("[tokens]", () => {
  test("says which keys there are and what a token must be like", () => {
    const toml = `[tokens]
      secret = "${SECRET}"
      previous_secret = "${SECRET}old"
      rsa_public_key = "rsa.pem"
      ecdsa_public_key = "/etc/ecdsa.pem"
      jwks_url = "https://login.example.com/keys?k=1"
      audience = "posthorn"
      issuer = "https://login.example.com"
      user_claim = "user_id"`;
    expect(load({ toml, cwd: "/srv" }).tokens).toEqual({
      secret: SECRET,
      previousSecret: `${SECRET}old`,
      rsaPublicKeyFile: "/srv/rsa.pem",
      ecdsaPublicKeyFile: "/etc/ecdsa.pem",
      jwksUrl: "https://login.example.com/keys?k=1",
      audience: "posthorn",
      issuer: "https://login.example.com",
      userClaim: "user_id",
    });
  });

  test("takes a short secret only where that is asked for", () => {
    const toml = "[tokens]\nsecret = 'canary'\nprevious_secret = 'canary2'";
    const problems = problemsWith({ toml });
    expect(problems).toEqual([
      expect.stringContaining(
        "tokens.secret (posthorn.toml:2): got a text of 6 characters, wanted",
      ),
      expect.stringContaining("tokens.previous_secret (posthorn.toml:3): got a text of 7"),
    ]);
    const { tokens } = load({ toml: `${toml}\nallow_short_secret = true` });
    expect(tokens).toEqual({ secret: "canary", previousSecret: "canary2", userClaim: "sub" });
  });

  test.each([
    [
      "secret = '-----BEGIN PUBLIC KEY-----MIIBIjANBgkqhkiG9w0BAQEFAAOC'",
      "wanted a secret; the path",
    ],
    ["jwks_url = 'login.example.com'", "wanted an http or https URL"],
    ["jwks_url = 'file:///etc/keys'", "wanted an http or https URL"],
    ["jwks_url = 'https://u:p@login.example.com'", "wanted an http or https URL"],
    ["rsa_public_key = ''", "wanted the path of a PEM file"],
    ["audience = ''", "wanted a text that is not empty"],
    ["user_claim = ''", "wanted the name of a claim"],
    ["user_claim = 'a.b'", "wanted the name of a claim"],
    ["user_claim = 'exp'", "wanted the name of a claim"],
    ["user_claim = 'commands'", "wanted the name of a claim"],
    ["user_claim = '__proto__'", "wanted the name of a claim"],
  ])("refuses %s", (line, wanted) => {
    expect(problemsWith({ toml: `[tokens]\n${line}` })).toEqual([expect.stringContaining(wanted)]);
  });
});

describe("[callbacks]", () => {
  test("says where to ask what, and how", () => {
    const toml = `[callbacks]
      connect = "https://b.example.com/connect?k=1"
      refresh = "http://127.0.0.1:3000/refresh"
      subscribe = "http://b/subscribe"
      publish = "http://b/publish"
      rpc = "http://b/rpc"
      timeout = "500ms"
      headers = ["Cookie", "X-Real-IP", "cookie"]
      authorization = "Bearer canary"`;
    expect(load({ toml }).callbacks).toEqual({
      urls: {
        connect: "https://b.example.com/connect?k=1",
        refresh: "http://127.0.0.1:3000/refresh",
        subscribe: "http://b/subscribe",
        publish: "http://b/publish",
        rpc: "http://b/rpc",
      },
      timeoutMs: 500,
      headers: ["cookie", "x-real-ip"],
      authorization: "Bearer canary",
    });
  });

  test.each([
    ["Cookie", ["cookie"]],
    [" Cookie , X-Real-IP,", ["cookie", "x-real-ip"]],
    ["", []],
  ])("takes the list %j from a variable", (text, headers) => {
    const { callbacks } = load({ env: { POSTHORN_CALLBACKS__HEADERS: text } });
    expect(callbacks.headers).toEqual(headers);
  });

  test("waits for the backend as long as the core says", () => {
    expect(load({}).callbacks.timeoutMs).toBe(LIMITS.backendTimeoutMs);
  });

  test.each([
    ["connect = '/connect'", 'callbacks.connect (posthorn.toml:2): got "/connect", wanted an http'],
    ["rpc = 'ws://b/'", "wanted an http or https URL"],
    ["rpc = 'http://u:p@b/'", "wanted an http or https URL"],
    ["rpc = 'http://b/#x'", "wanted an http or https URL"],
    ["timeout = '10ms'", "wanted a duration from 50ms to 1m"],
    ["headers = 'Cookie'", 'got "Cookie", wanted a list of names'],
    ["headers = ['X_Real_IP']", "wanted a list of names"],
    ["headers = ['Content-Length']", "wanted a list of names"],
    ["headers = ['a b']", "wanted a list of names"],
    ["authorization = ''", "wanted the value of a header"],
    ["conect = 'http://b/'", "did you mean callbacks.connect?"],
    [
      "authorization = 'Bearer x'\nheaders = ['Authorization']",
      "callbacks.headers (posthorn.toml:3): got a list of 1, wanted no Authorization beside",
    ],
  ])("refuses %s", (line, wanted) => {
    expect(problemsWith({ toml: `[callbacks]\n${line}` })).toEqual([
      expect.stringContaining(wanted),
    ]);
  });

  test.each([
    ["authorization = 'Bearer canary\\u00e9'"],
    ['authorization = "canary\\r\\nx-forged: 1"'],
    ["authorization = ' canary'"],
  ])("does not tell the credentials in %j", (line) => {
    const toml = `[callbacks]\n${line.replace("\\u00e9", "é")}`;
    const problems = problemsWith({ toml });
    expect(problems).toHaveLength(1);
    expect(problems.join()).not.toContain("canary");
  });
});
