import { expect, test } from "bun:test";
import type { CommandContext } from "../../../src/cli/command.ts";
import { type ControlParts, openControl } from "../../../src/cli/serve-control.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { RecordingLog } from "../../support/recording-log.ts";
import { Terminal } from "./terminal.ts";

/** What `posthorn status` says beside a server with these ports. */
async function statusOf(ports: object, ...args: string[]) {
  await using terminal = await Terminal.open();
  const file = terminal.workspace.file("posthorn.db");
  const parts = {
    config: { store: { location: { file } } },
    context: { clock: systemClock } as Partial<CommandContext>,
    server: { ...ports, enter: async () => new Response() },
    log: new RecordingLog(),
    urls: ["https://localhost:8443"],
    sharesPort: true,
  };
  await using _control = await openControl(parts as unknown as ControlParts);
  return (await terminal.run("status", "--data", ".", ...args)).stdout;
}

test("posthorn status lists the other ports of a server too", async () => {
  const ports = { httpPort: 8080, devicesPort: 9443 };
  const text = await statusOf(ports);
  expect(text).toContain("\n  https://localhost:8443\n");
  expect(text).toContain("\n  port 8080 (server.http_port, plain http)\n");
  expect(text).toContain("\n  port 9443 (server.devices_port, https for devices)\n");
  const json = JSON.parse(await statusOf(ports, "--json"));
  expect(json).toMatchObject({ http_port: 8080, devices_port: 9443 });
});

test("posthorn status says nothing of ports that are not there", async () => {
  expect(await statusOf({})).not.toContain("port ");
});
