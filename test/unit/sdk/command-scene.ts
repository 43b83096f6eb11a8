import type { CommandError, CommandOptions, PosthornOptions } from "../../../src/sdk/posthorn.d.ts";
import { App, builtSdk } from "../../support/fake-wx/app.ts";
import { eventually, Inbox } from "../../support/inbox.ts";
import { type Peer, ScriptedServer } from "./scripted-server.ts";

const { miniprogram } = await builtSdk();

type Sent = Readonly<Record<string, unknown>>;

export const QUEUED = { rpc: { data: { id: "c-1", type: "open", status: "queued" } } };
export const DENIED = { error: { code: 103, message: "permission denied" } };
export const UNKNOWN = { error: { code: 404, message: "Cannot find command" } };
export const BUSY = { error: { code: 111, message: "too many requests", temporary: true } };

/** The answer of a server that knows it as done. */
export function doneWith(data: unknown) {
  return { rpc: { data: { id: "c-1", type: "open", status: "done", result: { ok: true, data } } } };
}

/** An app, a server that keeps what it was sent, and commands to device 7. */
export class Scene implements Disposable {
  readonly server = new ScriptedServer();
  /** The data of every `command.send`. */
  readonly sent = new Inbox<Sent>();
  /** The data of every `command.get`. */
  readonly asked = new Inbox<Sent>();
  readonly app: App;
  /** How the server answers both; silence: undefined. */
  answer: (data: Sent) => object | undefined = () => QUEUED;

  constructor(options: Partial<PosthornOptions> = {}) {
    this.server.script.rpc = (method, data) => {
      if (method !== "command.send" && method !== "command.get") return { rpc: { data: {} } };
      (method === "command.send" ? this.sent : this.asked).push(data);
      return this.answer(data) as Sent | undefined;
    };
    this.app = new App(miniprogram, { url: this.server.url, ...options });
  }

  open(options: CommandOptions = {}): Promise<unknown> {
    const answer = this.app.posthorn.device("7").command("open", null, options);
    return answer.catch((error: CommandError) => error.code);
  }

  /** Waits for the number of calls there were, from 1. */
  async call(number: number): Promise<Sent> {
    const { items } = this.sent;
    return eventually(() => items[number - 1], `call ${number} of command.send`);
  }

  /** The same, while time passes in steps. */
  async callInTime(number: number): Promise<Sent> {
    return eventually(() => {
      this.app.phone.clock.advance(500);
      return this.sent.items[number - 1];
    }, `call ${number} of command.send`);
  }

  /** Lets time pass in steps until there is an answer. */
  async inTime(answer: Promise<unknown>): Promise<unknown> {
    let isThere: true | undefined;
    void answer.then(() => {
      isThere = true;
    });
    await eventually(() => {
      if (isThere === undefined) this.app.phone.clock.advance(500);
      return isThere;
    }, "the answer");
    return answer;
  }

  /** Waits for the question what became of the command, which cannot send it. */
  async lastQuestion(number: number): Promise<void> {
    const peer = await this.server.peer(number);
    await peer.command(({ rpc }) => rpc?.method === "command.get", "the last question");
    await this.app.next("connected");
  }

  /** Tells in the channel that a command is done, as what was published before this server took the key out. */
  tellDone(peer: Peer, data: unknown, command = "c-1"): void {
    const { key } = this.sent.items[0] ?? {};
    const told = { command, type: "open", status: "done", key, result: { ok: true, data } };
    peer.publish("device:7", { type: "command.done", data: told }, 1);
  }

  [Symbol.dispose](): void {
    this.app[Symbol.dispose]();
    this.server[Symbol.dispose]();
  }
}
