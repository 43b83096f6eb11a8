import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import { Fault, type FaultCode } from "../../../src/core/faults.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { Namespace } from "../../../src/core/namespaces.ts";
import type { HistoryQuery } from "../../../src/core/ports/engine.ts";
import { type HistoryPage, readHistory } from "../../../src/core/read-history.ts";
import { namespaceRules } from "../../support/gateway-world.ts";
import { MemoryStreams } from "../../support/memory-streams.ts";

const CHANNEL = parseChannel("chat:1");
const KEPT = namespaceRules({ retention: { sizeMax: 1_000, ttlMs: 60_000 } });

async function streamsWith(count: number): Promise<MemoryStreams> {
  const streams = new MemoryStreams(() => {});
  for (let n = 1; n <= count; n += 1) {
    await streams.append({
      channel: CHANNEL,
      publication: { data: String(n), timeMs: 0 },
      ...(KEPT.retention && { retention: KEPT.retention }),
    });
  }
  return streams;
}

async function offsetsOf(streams: MemoryStreams, page: HistoryPage): Promise<readonly number[]> {
  const { publications } = await readHistory(streams, { channel: CHANNEL, rules: KEPT }, page);
  return publications.map(({ offset }) => offset);
}

async function faultOf(page: HistoryPage, rules: Namespace = KEPT): Promise<FaultCode | undefined> {
  const streams = await streamsWith(2);
  try {
    await readHistory(streams, { channel: CHANNEL, rules }, page);
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
}

describe("readHistory()", () => {
  test("tells the position only when no limit is given", async () => {
    const streams = await streamsWith(3);
    expect(await readHistory(streams, { channel: CHANNEL, rules: KEPT }, {})).toEqual({
      top: { epoch: "epochone", offset: 3 },
      publications: [],
    });
  });

  test.each<readonly [string, HistoryPage, readonly number[]]>([
    ["the oldest first", { limit: 2 }, [1, 2]],
    ["the newest first when reversed", { limit: 2, reverse: true }, [4, 3]],
    ["what comes after", { limit: 9, since: { epoch: "epochone", offset: 2 } }, [3, 4]],
    [
      "what came before when reversed",
      { limit: -1, since: { epoch: "", offset: 3 }, reverse: true },
      [2, 1],
    ],
    ["all for a negative limit", { limit: -1 }, [1, 2, 3, 4]],
    ["nothing after the top", { limit: 9, since: { epoch: "epochone", offset: 4 } }, []],
  ])("gives %s", async (...[, page, offsets]) => {
    expect(await offsetsOf(await streamsWith(4), page)).toEqual(offsets);
  });

  test("ends a page before it weighs too much, and goes on after it", async () => {
    const streams = await streamsWith(5);
    const page = { limit: -1, maxBytes: 2 };
    expect(await offsetsOf(streams, page)).toEqual([1, 2]);
    const since = { epoch: "epochone", offset: 2 };
    expect(await offsetsOf(streams, { ...page, since })).toEqual([3, 4]);
  });

  test("starts at the oldest kept without an error when more was asked for", async () => {
    const streams = await streamsWith(2);
    await streams.removeHistory(CHANNEL);
    const since = { epoch: "epochone", offset: 0 };
    expect(await offsetsOf(streams, { limit: 5, since })).toEqual([]);
  });

  test.each([
    [-1, LIMITS.historyMaxPublications],
    [LIMITS.historyMaxPublications + 1, LIMITS.historyMaxPublications],
    [7, 7],
  ])("asks for the limit %d at most %d", async (limit, asked) => {
    const queries: HistoryQuery[] = [];
    const streams = {
      async history(_: unknown, query: HistoryQuery) {
        queries.push(query);
        return { top: { epoch: "", offset: 0 }, publications: [] };
      },
    };
    await readHistory(streams, { channel: CHANNEL, rules: KEPT }, { limit });
    expect(queries).toEqual([
      { limit: asked, ttlMs: 60_000, reverse: false, maxBytes: LIMITS.historyMaxBytes },
    ]);
  });

  test.each<readonly [FaultCode, HistoryPage, Namespace]>([
    ["feature_unavailable", { limit: 1 }, namespaceRules({})],
    ["position_unrecoverable", { since: { epoch: "otherone", offset: 1 } }, KEPT],
    ["history_invalid", { reverse: true, since: { epoch: "epochone", offset: 0 } }, KEPT],
  ])("throws %s", async (code, page, rules) => {
    expect(await faultOf(page, rules)).toBe(code);
  });
});
