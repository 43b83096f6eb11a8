import { describe, expect, test } from "bun:test";
import { createWebhookRoutes } from "../../../src/core/webhook-routes.ts";

const routesOf = createWebhookRoutes([
  { endpoint: "all", events: ["*"] },
  { endpoint: "shop", events: ["device.*", "command.{done,failed}"] },
  { endpoint: "nothing", events: [] },
]);

describe("webhook routes", () => {
  test.each([
    ["device.online", ["all", "shop"]],
    ["command.done", ["all", "shop"]],
    ["command.queued", ["all"]],
    ["door.opened", ["all"]],
    ["", ["all"]],
  ])("send %j to who wants it", (type, endpoints) => {
    expect(routesOf(type)).toEqual(endpoints);
  });

  test("refuse a pattern that cannot be read", () => {
    const routes = [{ endpoint: "shop", events: ["device.["] }];
    expect(() => createWebhookRoutes(routes)).toThrow("Cannot use pattern: a [ is not closed");
  });
});
