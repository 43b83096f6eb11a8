import { expect, test } from "bun:test";
import type { CommandContext } from "../../../src/cli/command.ts";
import { type ControlParts, openControl } from "../../../src/cli/serve-control.ts";
import { controlPathOf, reachControl } from "../../../src/control/control-socket.ts";
import { TAKEOVER_LIMITS } from "../../../src/core/takeover-limits.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { eventually } from "../../support/inbox.ts";
import { RecordingLog } from "../../support/recording-log.ts";
import { Workspace } from "../../support/workspace.ts";

test("connections that say nothing do not take the control socket for good", async () => {
  await using workspace = await Workspace.make();
  const file = workspace.file("posthorn.db");
  const clock = new FakeClock();
  const parts = {
    config: { store: { location: { file } } },
    context: { clock } as Partial<CommandContext>,
    server: { enter: async () => new Response() },
    log: new RecordingLog(),
    urls: [],
    sharesPort: true,
  };
  await using _control = await openControl(parts as unknown as ControlParts);
  const reach = async () => {
    const channel = await reachControl(controlPathOf(file));
    if (channel === undefined) throw new Error("Cannot reach the server that was just started");
    return channel;
  };
  const ask = async () => {
    using channel = await reach();
    channel.send({ type: "status" });
    return (await channel.next())?.type;
  };
  const silent = await Promise.all(
    Array.from({ length: TAKEOVER_LIMITS.controlChannelsMax }, reach),
  );
  await eventually(
    () => clock.pending >= TAKEOVER_LIMITS.controlChannelsMax || undefined,
    "a deadline for each",
  );
  expect(await ask()).toBeUndefined();
  clock.advance(TAKEOVER_LIMITS.controlTimeoutMs);
  await Promise.all(silent.map(({ closed }) => closed));
  expect(await ask()).toBe("status");
});
