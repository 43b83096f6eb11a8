import { describe, expect, test } from "bun:test";
import { requestUrl } from "../../../src/http/request-url.ts";

function requestWith(host: string | undefined): Request {
  const request = new Request("http://placeholder/login?token=t");
  const headers = new Headers(host === undefined ? {} : { host });
  return Object.defineProperty(request, "headers", { value: headers });
}

describe("requestUrl()", () => {
  test.each(["localhost", "push.example.com:8077", "127.0.0.1:1", "[::1]:8077", "a_b-c.internal"])(
    "takes the host %s",
    (host) => {
      expect(requestUrl(requestWith(host)).pathname).toBe("/login");
    },
  );

  test.each(["", "a/b?c", "x#", "u@evil", "a b", "a:b", "a:123456", "[::1", "a\\b", undefined])(
    "refuses the host %p",
    (host) => {
      expect(() => requestUrl(requestWith(host))).toThrow(
        expect.objectContaining({ code: "host_invalid" }),
      );
    },
  );
});
