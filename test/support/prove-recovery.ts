import { expect } from "bun:test";
import type { CentrifugeClient } from "./centrifuge-client.ts";
import type { Site } from "./site.ts";
import type { TcpProxy } from "./tcp-proxy.ts";

interface Line {
  readonly site: Site;
  /** What the client comes through. */
  readonly proxy: TcpProxy;
}

/** Connects and subscribes the client, cuts it off, and sees that it comes back without gap or duplicate. */
export async function proveRecovery(
  client: CentrifugeClient,
  { site, proxy }: Line,
): Promise<void> {
  client.connect();
  const first = await client.subscribe("device:42");
  expect(first).toMatchObject({ recoverable: true, positioned: true, wasRecovering: false });

  const post = async (data: number) =>
    (await site.device.post({ id: `${data}`, type: "t", data })).results[0]?.offset;
  for (let data = 1; data <= 4; data += 1) await post(data);
  const fifth = await post(5);
  await client.publications.find(({ offset }) => offset === fifth, { what: "event 5" });
  proxy.refuse();
  proxy.cut();
  for (let data = 6; data <= 10; data += 1) await post(data);
  proxy.accept();
  const again = await client.subscribed.find(({ wasRecovering }) => wasRecovering, {
    what: "the recovered subscription",
  });
  expect(again.recovered).toBe(true);
  const last = (await post(11)) ?? 0;
  await client.publications.find(({ offset }) => offset === last, { what: "event 11" });
  expect(last).toBeGreaterThanOrEqual(11);
  expect(client.publications.items.map(({ offset }) => offset)).toEqual(
    Array.from({ length: last }, (_, index) => index + 1),
  );
}
