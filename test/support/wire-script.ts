import { parseChannel } from "../../src/core/channel.ts";
import { parseDeviceId } from "../../src/core/device-id.ts";
import { UNSUBSCRIBE } from "../../src/protocol/codes.ts";
import { subscribeByServer } from "../../src/ws/server-side.ts";
import { connect, type GatewayWorld, gatewayWorld, login, send, settled } from "./gateway-world.ts";

/** One line of a script in test/wire, by its first character. */
export interface ScriptLine {
  /** `#` comment, `>` client frame, `+` its next line, `<` server frame, `=` close, `!` something else happens. */
  readonly mark: string;
  readonly text: string;
}

export function parseScript(script: string): ScriptLine[] {
  const lines = script.split("\n").filter((line) => line !== "");
  return lines.map((line) => ({ mark: line.slice(0, 1), text: line.slice(2) }));
}

type Link = ReturnType<typeof connect>;

/** Plays the client's side of a script; the answer is the whole script as it really went. */
export async function playScript(lines: readonly ScriptLine[]): Promise<string> {
  const player = new Player();
  for (const [index, line] of lines.entries()) {
    if (line.mark === "<" || line.mark === "=") continue;
    player.note(line);
    if (line.mark === ">") await player.send(frameAt(lines, index));
    if (line.mark === "!") await player.happen(line.text);
    if (lines[index + 1]?.mark !== "+") player.hear();
  }
  return player.transcript;
}

/** A client's frame may have several lines. */
function frameAt(lines: readonly ScriptLine[], index: number): string {
  const rest = lines.slice(index + 1);
  const end = rest.findIndex(({ mark }) => mark !== "+");
  const more = rest.slice(0, end < 0 ? rest.length : end);
  return [lines[index], ...more].map((line) => line?.text).join("\n");
}

class Player {
  transcript = "";
  readonly #world: GatewayWorld = gatewayWorld({ limits: { queueMaxBytes: 100_000 } });
  #client: Link | undefined;
  #other: Link | undefined;
  #heard = 0;
  #isClosed = false;

  note({ mark, text }: ScriptLine): void {
    this.transcript += text === "" ? `${mark}\n` : `${mark} ${text}\n`;
  }

  async send(frame: string): Promise<void> {
    this.#client ??= connect(this.#world);
    this.#client.handler.message(frame);
    await settled();
  }

  /** Notes what came from the server since the last time. */
  hear(): void {
    const { frames = [], closed } = this.#client?.socket ?? {};
    for (const frame of frames.slice(this.#heard)) this.note({ mark: "<", text: frame });
    this.#heard = frames.length;
    if (closed === undefined || this.#isClosed) return;
    this.note({ mark: "=", text: `${closed.code} ${closed.reason}` });
    this.#isClosed = true;
  }

  async happen(text: string): Promise<void> {
    const [what = "", first = "", ...rest] = text.split(" ");
    await this.#do(what, first, rest.join(" "));
    await settled();
  }

  async #do(what: string, first: string, rest: string): Promise<void> {
    const { publish, streams, link, clock } = this.#world;
    switch (what) {
      case "publish":
        await publish(parseChannel(first), rest);
        return;
      case "publish-tagged": {
        const [tags = "", ...data] = rest.split(" ");
        await publish(parseChannel(first), data.join(" "), JSON.parse(tags));
        return;
      }
      case "lose":
        link.isUp = false;
        await publish(parseChannel(first), rest);
        link.isUp = true;
        return;
      case "remove":
        return streams.removeHistory(parseChannel(first));
      case "forget":
        return streams.forget(parseChannel(first));
      case "advance":
        return clock.advance(Number(first));
      case "login":
        this.#client = connect(this.#world, login(first, { withStates: rest === "state=1" }));
        return;
      case "add":
        return this.#world.devices.add(parseDeviceId(first), { name: rest });
      case "report":
        return this.#world.devices.report(parseDeviceId(first), rest);
      case "bind":
        return this.#world.bindings.bind(first, parseDeviceId(rest), ["*"]);
      case "unbind":
        return this.#world.bindings.unbind(first, parseDeviceId(rest));
      case "listen":
        this.#client = connect(this.#world, { by: "request", text: `${first} ${rest}`.trim() });
        return;
      case "serve":
        return this.#serve(first, rest);
      case "end": {
        const end = { code: Number(first), reason: rest };
        return this.#world.registry.endWhere(() => end);
      }
      case "other":
        return this.#moveOther(first, rest);
      default:
        throw new Error(`Cannot play "${what}"`);
    }
  }

  /** The server subscribes every client of anna's, or ends that again. */
  async #serve(channel: string, since: string): Promise<void> {
    const [epoch = "", offset = "0"] = since.split(" ");
    for (const client of this.#world.registry.ofUser("anna")) {
      if (since === "ends") {
        client.subscriptions.end(parseChannel(channel), UNSUBSCRIBE.server);
        continue;
      }
      const positions = epoch === "" ? [] : [{ epoch, offset: Number(offset) }];
      await subscribeByServer(client, { channel: parseChannel(channel), since: positions });
    }
  }

  async #moveOther(token: string, channel: string): Promise<void> {
    if (token === "leaves") return this.#other?.handler.close(1000, "");
    this.#other = connect(this.#world);
    const subscribe = { channel };
    await send(this.#other.handler, { id: 1, connect: { token } }, { id: 2, subscribe });
  }
}
