import { expect, test } from "bun:test";
import { createPatternFinder } from "../../../src/http/route-patterns.ts";

const patternOf = createPatternFinder([
  "/",
  "/metrics",
  "/v1/devices/:id",
  "/v1/devices/:id/events",
  "/v1/login/session",
  "/v1/login/:name",
  "/v1/login/:name/later",
]);

test.each([
  ["/", "/"],
  ["/metrics", "/metrics"],
  ["/v1/devices/kiosk-7", "/v1/devices/:id"],
  ["/v1/devices/kiosk-7/events", "/v1/devices/:id/events"],
  ["/v1/login/session", "/v1/login/session"],
  ["/v1/login/wechat", "/v1/login/:name"],
  ["/v1/login/session/later", "/v1/login/:name/later"],
  ["/v1/devices", "other"],
  ["/v1/devices/", "other"],
  ["/v1/devices/a/b", "other"],
  ["/.env", "other"],
  ["", "other"],
  ["/__proto__", "other"],
])("the pattern of %j is %s", (path, pattern) => {
  expect(patternOf(path)).toBe(pattern);
});
