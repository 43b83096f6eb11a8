import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { Append } from "../../../src/core/ports/engine.ts";
import { createPublisher, type PublishRequest } from "../../../src/core/publisher.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { namespaceRules } from "../../support/gateway-world.ts";

const CHAT = parseChannel("chat:1");
const NEWS = parseChannel("news:1");
const RETENTION = { sizeMax: 10, ttlMs: 60_000 };
const NOW = Date.UTC(2026, 0, 1);

async function appended(request: PublishRequest): Promise<Append | undefined> {
  const entries: Append[] = [];
  const publisher = createPublisher({
    clock: new FakeClock(NOW),
    namespaces: new Map([
      ["chat", namespaceRules({ retention: RETENTION })],
      ["news", namespaceRules({})],
    ]),
    streams: {
      async append(entry) {
        entries.push(entry);
        return { epoch: "e", offset: 1, duplicate: false, suppressed: false, mismatched: false };
      },
    },
  });
  await publisher.publish(request);
  return entries[0];
}

describe("createPublisher()", () => {
  test("stores what the namespace keeps, with the server's time", async () => {
    expect(await appended({ channel: CHAT, data: "1.0" })).toEqual({
      channel: CHAT,
      publication: { data: "1.0", timeMs: NOW },
      retention: RETENTION,
    });
  });

  test("stores nothing where the namespace keeps nothing", async () => {
    expect(await appended({ channel: NEWS, data: "1" })).toEqual({
      channel: NEWS,
      publication: { data: "1", timeMs: NOW },
    });
  });

  test("stores nothing, and guards no version, when history is to be skipped", async () => {
    const entry = await appended({
      channel: CHAT,
      data: "1",
      skipHistory: true,
      version: { version: 2 },
    });
    expect(entry).toEqual({ channel: CHAT, publication: { data: "1", timeMs: NOW } });
  });

  test("passes on tags, the publisher's info and the version", async () => {
    const entry = await appended({
      channel: CHAT,
      data: "1",
      tags: { k: "v" },
      info: '{"user":"anna"}',
      version: { version: 2, epoch: "a" },
    });
    expect(entry).toMatchObject({
      publication: { tags: { k: "v" }, info: '{"user":"anna"}' },
      version: { version: 2, epoch: "a" },
    });
  });

  test("remembers an idempotency key for the channel alone", async () => {
    const entry = await appended({ channel: CHAT, data: "1", idempotencyKey: "k1" });
    expect(entry?.dedupe).toEqual({
      scope: "channel chat:1",
      id: "k1",
      ttlMs: LIMITS.idempotencyTtlMs,
    });
  });

  test("throws channel_unknown where no namespace is configured", async () => {
    const publishing = appended({ channel: parseChannel("nowhere:1"), data: "1" });
    await expect(publishing).rejects.toMatchObject({ code: "channel_unknown" });
  });
});
