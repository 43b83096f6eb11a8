import { describe, expect, test } from "bun:test";
import { listenError, peerAddress } from "../../../src/runtime/address.ts";

describe("peerAddress()", () => {
  test.each([
    ["127.0.0.1", "127.0.0.1"],
    ["::ffff:1.2.3.4", "1.2.3.4"],
    ["::FFFF:1.2.3.4", "1.2.3.4"],
    ["::1", "::1"],
    ["2001:db8::ffff:1.2.3.4", "2001:db8::ffff:1.2.3.4"],
    ["::ffff:1", "::ffff:1"],
    [undefined, ""],
  ])("turns %p into %p", (shown, address) => {
    expect(peerAddress(shown)).toBe(address);
  });
});

describe("listenError()", () => {
  const where = { hostname: "::", port: 443 };

  test("says that the address is in use", () => {
    const cause = Object.assign(new Error("Failed"), { code: "EADDRINUSE" });
    expect(listenError(where, cause).message).toBe(
      "Cannot listen on :: port 443: the address is in use",
    );
  });

  test("says how a port may be had that this user may not listen on", () => {
    const cause = Object.assign(new Error("permission denied 0.0.0.0:80"), { code: "EACCES" });
    expect(listenError({ hostname: "0.0.0.0", port: 80 }, cause).message).toMatch(
      /^Cannot listen on 0\.0\.0\.0 port 80: this user may not listen there.*CAP_NET_BIND_SERVICE/,
    );
  });

  test("passes on any other reason and its cause", () => {
    const cause = new Error("permission denied");
    const error = listenError(where, cause);
    expect(error.message).toBe("Cannot listen on :: port 443: permission denied");
    expect(error.cause).toBe(cause);
  });
});
