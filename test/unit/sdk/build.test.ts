import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { transform } from "esbuild";
import { builtSdk, type Sdk } from "../../support/fake-wx/app.ts";
import { Phone } from "../../support/fake-wx/phone.ts";

const sdk = await builtSdk();

/** A mini-program has 2 MB for everything, and loads all of it at its start. */
const MINIPROGRAM_MAX_BYTES = 25 * 1024;
const BROWSER_MAX_BYTES = 24.5 * 1024;

describe("the files of the SDK", () => {
  test("stay small", () => {
    expect(gzipSync(sdk.miniprogram, { level: 9 }).length).toBeLessThan(MINIPROGRAM_MAX_BYTES);
    expect(gzipSync(sdk.browser, { level: 9 }).length).toBeLessThan(BROWSER_MAX_BYTES);
  });

  test.each(["miniprogram", "browser"] as const)(
    "%s needs no newer syntax than ES2017",
    async (name) => {
      // Whatever is newer would be rewritten for the old target, and the two would differ.
      const [old, next] = await Promise.all(
        ["es2017", "esnext"].map((target) => transform(sdk[name], { target })),
      );
      expect(old?.code).toBe(next?.code ?? "");
    },
  );

  test("the mini-program's loads where there are no globals but those of phones", () => {
    using phone = new Phone();
    expect(Object.keys(phone.launch<Sdk>(sdk.miniprogram))).toEqual(["createPosthorn"]);
    expect(phone.errors).toEqual([]);
  });

  test("the mini-program's takes no platform that has no sockets", () => {
    const { createPosthorn } = new Phone().launch<Sdk>(sdk.miniprogram);
    const getTicket = () => {
      throw new Error("asked for a ticket");
    };
    const platform = { name: "wx", api: {} } as const;
    expect(() => createPosthorn({ url: "wss://x", getTicket, platform })).toThrow(
      "Cannot find the platform wx: there is no connectSocket here",
    );
  });

  test("the mini-program's asks for the platform where it finds none", () => {
    const { createPosthorn } = new Phone().launch<Sdk>(`var wx;${sdk.miniprogram}`);
    expect(() => createPosthorn({ url: "wss://x" })).toThrow(
      'Cannot find the platform taro: there is no connectSocket here; give platform, e.g. { name: "taro", api: Taro }',
    );
  });
});
