import { BACKEND_KEY } from "./backend.ts";
import { CentrifugeClient } from "./centrifuge-client.ts";
import { type Answer, ask, GuidedDevice } from "./guided-device.ts";
import { type ConfigSections, type Posthorn, startPosthorn } from "./posthorn.ts";
import type { Target } from "./targets.ts";
import { signToken } from "./tokens.ts";
import { Workspace } from "./workspace.ts";

/** An event of Posthorn's own as a client gets it. */
export interface OwnEventSeen {
  readonly id: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A server, the backend that uses it and its devices, all over the network. */
export class Fleet implements AsyncDisposable {
  readonly #target: Target;
  readonly #workspace: Workspace;
  readonly #config: ConfigSections;
  readonly #devices: GuidedDevice[] = [];
  readonly #listeners: CentrifugeClient[] = [];
  #server: Posthorn;

  private constructor(target: Target, server: Posthorn, config: ConfigSections) {
    this.#target = target;
    this.#server = server;
    this.#workspace = server.workspace;
    this.#config = config;
  }

  static async start(target: Target, sections: ConfigSections = {}): Promise<Fleet> {
    const config = { api: { keys: [BACKEND_KEY] }, ...sections };
    const workspace = await Workspace.make();
    return new Fleet(target, await startPosthorn(target, { workspace, config }), config);
  }

  get server(): Posthorn {
    return this.#server;
  }

  /** Kills the server as a power cut does, and starts it again with what is on the disk. */
  async killAndRestart(): Promise<void> {
    await this.#server.kill();
    const options = { workspace: this.#workspace, config: this.#config };
    this.#server = await startPosthorn(this.#target, options);
    for (const device of this.#devices) device.url = this.#server.url;
  }

  /** What the backend asks; `path` begins with /v1. */
  api(method: string, path: string, init: Parameters<typeof ask>[1] = {}): Promise<Answer> {
    const headers = { "x-api-key": BACKEND_KEY, ...init.headers };
    return ask(`${this.#server.url}${path}`, { ...init, method, headers });
  }

  /** Adds a device through the backend's API. */
  async addDevice(id: string): Promise<GuidedDevice> {
    const { status, text, body } = await this.api("POST", "/v1/devices", { body: { id } });
    if (status !== 201) throw new Error(`device ${id} was not added: ${status} ${text}`);
    return this.device(id, String(body["secret"]));
  }

  /** A device that is there already. */
  device(id: string, secret: string): GuidedDevice {
    const device = new GuidedDevice(this.#server.url, { id, secret });
    this.#devices.push(device);
    return device;
  }

  /** Sends a command; the backend's request. */
  send(device: GuidedDevice, body: object | string): Promise<Answer> {
    return this.api("POST", `/v1/devices/${device.id}/commands`, { body });
  }

  /** Sends a command that has to be taken, and gives its id. */
  async sendOk(device: GuidedDevice, body: object | string): Promise<string> {
    const { status, text, body: command } = await this.send(device, body);
    if (status !== 202) throw new Error(`a command was not queued: ${status} ${text}`);
    return String(command["id"]);
  }

  /** A command as the backend sees it. */
  async command(device: GuidedDevice, id: string): Promise<Readonly<Record<string, unknown>>> {
    return (await this.api("GET", `/v1/devices/${device.id}/commands/${id}`)).body;
  }

  /** Somebody who is subscribed to what a device's channel brings. */
  async listener(device: GuidedDevice): Promise<Listener> {
    const token = signToken({ sub: "listener", devices: [device.id] });
    const client = new CentrifugeClient(this.#server.wsUrl, { token });
    this.#listeners.push(client);
    client.connect();
    await client.subscribe(device.channel);
    return new Listener(client);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const listener of this.#listeners) listener[Symbol.dispose]();
    await this.#server[Symbol.asyncDispose]();
    await this.#workspace[Symbol.asyncDispose]();
  }
}

/** What somebody who listens was told. */
export class Listener {
  readonly #client: CentrifugeClient;

  constructor(client: CentrifugeClient) {
    this.#client = client;
  }

  get events(): readonly OwnEventSeen[] {
    return this.#client.publications.items.map(({ data }) => data as OwnEventSeen);
  }

  /** The first event of this type that matches. */
  async told(
    type: string,
    matches: (event: OwnEventSeen) => boolean = () => true,
  ): Promise<OwnEventSeen> {
    const isIt = (event: OwnEventSeen) => event.type === type && matches(event);
    const { publications } = this.#client;
    const options = { what: `the event ${type}` };
    const found = await publications.find(({ data }) => isIt(data as OwnEventSeen), options);
    return found.data as OwnEventSeen;
  }
}
