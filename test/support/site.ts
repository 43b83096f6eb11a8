import { addDevice } from "./cli.ts";
import { Device } from "./device.ts";
import { type Posthorn, type StartOptions, startPosthorn } from "./posthorn.ts";
import type { Target } from "./targets.ts";
import { Workspace } from "./workspace.ts";

/** A running server with a registered device, and the directory they live in. */
export interface Site extends AsyncDisposable {
  readonly workspace: Workspace;
  readonly server: Posthorn;
  /** Device 42. */
  readonly device: Device;
  /** Registers one more device while the server runs. */
  addDevice(id: string): Promise<Device>;
}

/** Starts a server and registers device 42 with it. */
export async function startSite(
  target: Target,
  options: Omit<StartOptions, "workspace"> = {},
): Promise<Site> {
  await using scope = new AsyncDisposableStack();
  const workspace = scope.use(await Workspace.make());
  const server = scope.use(await startPosthorn(target, { ...options, workspace }));
  const deviceOf = async (id: string) =>
    new Device(server.url, await addDevice(target, workspace, id));
  const device = await deviceOf("42");
  const owned = scope.move();
  return {
    workspace,
    server,
    device,
    addDevice: deviceOf,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
