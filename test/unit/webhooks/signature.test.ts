import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { createSigner } from "../../../src/webhooks/signature.ts";

describe("createSigner()", () => {
  test("signs the example of Standard Webhooks as its own libraries do", () => {
    const message = {
      id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
      timeMs: 1614265330_000,
      body: '{"test": 2432232314}',
    };
    expect(createSigner("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").sign(message)).toEqual({
      "webhook-id": message.id,
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    });
  });

  test.each([
    ["019b7f3e-7a6c-7000-8000-000000000001", "019b7f3e-7a6c-7000-8000-000000000001"],
    ["door.presence.3", "door%2Epresence%2E3"],
    ["取餐柜\r\nx: 1", "%E5%8F%96%E9%A4%90%E6%9F%9C%0D%0Ax%3A%201"],
    ["%2E\ud800", "%252E%EF%BF%BD"],
  ])("keeps the id %j from forging a header or another message", (id, wanted) => {
    const signer = createSigner("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    const headers = signer.sign({ id, timeMs: 0, body: "1.{}" });
    expect(headers["webhook-id"]).toBe(wanted);
    const key = Buffer.from("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "base64");
    const signature = createHmac("sha256", key).update(`${wanted}.0.1.{}`).digest("base64");
    expect(headers["webhook-signature"]).toBe(`v1,${signature}`);
  });

  test("signs the bytes of a text that is not ASCII, and whole seconds", async () => {
    const secret = Buffer.from("0123456789abcdef0123456789abcdef");
    const body = '{"name":"取餐柜 é\u2028"}';
    const headers = createSigner(`whsec_${secret.toString("base64")}`).sign({
      id: "evt-1",
      timeMs: 1_700_000_000_999,
      body,
    });
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("raw", secret, algorithm, false, ["sign"]);
    const content = Buffer.from(`evt-1.1700000000.${body}`, "utf8");
    const wanted = Buffer.from(await crypto.subtle.sign("HMAC", key, content)).toString("base64");
    expect(headers["webhook-timestamp"]).toBe("1700000000");
    expect(headers["webhook-signature"]).toBe(`v1,${wanted}`);
  });
});
