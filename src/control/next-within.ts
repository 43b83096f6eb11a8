import type { Clock } from "../core/ports/clock.ts";
import type { ControlChannel, ControlMessage } from "./control-channel.ts";

/** The next message; undefined when none comes in time, after which the channel is of no use. */
export async function nextWithin(
  channel: ControlChannel,
  timeMs: number,
  clock: Clock,
): Promise<ControlMessage | undefined> {
  const late = Promise.withResolvers<undefined>();
  const cancel = clock.after(timeMs, () => late.resolve(undefined));
  const message = await Promise.race([channel.next(), late.promise]);
  cancel();
  if (message === undefined) channel[Symbol.dispose]();
  return message;
}
