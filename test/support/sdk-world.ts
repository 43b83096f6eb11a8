import { BACKEND_KEY, Backend } from "./backend.ts";
import { type Answer, FakeCallbacks, type Question } from "./fake-callbacks.ts";
import { type ConfigSections, type Posthorn, startPosthorn } from "./posthorn.ts";
import { SdkClient, type SdkOptions } from "./sdk-client.ts";
import type { Target } from "./targets.ts";
import { signToken, type TokenClaims } from "./tokens.ts";

const CHAT = {
  history_size: 10,
  history_ttl: "1h",
  presence: true,
  join_leave: true,
  delta: true,
  allow_subscribe: true,
  allow_publish: "subscriber",
  allow_presence: "subscriber",
  allow_history: "subscriber",
};

/** Namespaces that differ in what they keep and allow. */
const CHANNELS = {
  chat: CHAT,
  loud: { ...CHAT, force_join_leave: true },
  brief: { ...CHAT, history_size: 2 },
  latest: { ...CHAT, recovery_mode: "cache" },
  plain: { allow_subscribe: true, allow_publish: "subscriber" },
  closed: { history_size: 10 },
  asked: { subscribe_callback: true },
  fleeting: { ...CHAT, history_ttl: "1s", history_meta_ttl: "1s" },
};

/** A server for SDK clients, the backend that uses its API, and the backend it asks. */
export class SdkWorld implements AsyncDisposable {
  readonly server: Posthorn;
  readonly backend: Backend;
  readonly #callbacks: FakeCallbacks;

  private constructor(server: Posthorn, callbacks: FakeCallbacks) {
    this.server = server;
    this.backend = new Backend(server.url);
    this.#callbacks = callbacks;
  }

  static async start(target: Target, sections: ConfigSections = {}): Promise<SdkWorld> {
    const callbacks = new FakeCallbacks({ connect, subscribe, rpc });
    try {
      const server = await startPosthorn(target, {
        config: {
          api: { keys: [BACKEND_KEY] },
          callbacks: { ...callbacks.config, headers: ["X-Tenant"] },
          channels: CHANNELS,
          ...sections,
        },
      });
      return new SdkWorld(server, callbacks);
    } catch (error) {
      await callbacks[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A client of this user; it still has to connect. */
  client(claims: TokenClaims, options: SdkOptions = {}): SdkClient {
    return new SdkClient(this.server, { token: signToken(claims), ...options });
  }

  async publish(channel: string, data: unknown, more: object = {}): Promise<void> {
    await this.backend.result("publish", { channel, data, ...more });
  }

  /** How many clients the server has in a channel. */
  async clientsIn(channel: string): Promise<number> {
    type Stats = { readonly num_clients: number };
    return (await this.backend.result<Stats>("presence_stats", { channel })).num_clients;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.#callbacks[Symbol.asyncDispose]();
  }
}

/** Lets in who gives a name. */
function connect({ data }: Question, headers: Headers): Answer {
  const { name } = (data ?? {}) as { readonly name?: string };
  if (name === undefined) return { error: { code: 1401, message: "who are you" } };
  return { result: { user: name, data: { hello: name, tenant: headers.get("x-tenant") } } };
}

function subscribe({ channel }: Question): Answer {
  if (channel === "asked:over") return { result: { expire_at: 1 } };
  if (channel === "asked:no") return { error: { code: 1403, message: "not you" } };
  return { result: { data: { welcome: channel }, info: { asked: true } } };
}

function rpc({ method, data, user }: Question): Answer {
  switch (method) {
    case "echo":
      return { result: { data: { user, data } } };
    case "empty":
      return { result: {} };
    case "refuse":
      return { error: { code: 1404, message: "no such thing" } };
    case "end":
      return { disconnect: { code: 4600, reason: "go away" } };
    default:
      return 500;
  }
}
