import { closedError, DeviceHandle } from "./device.ts";
import { GivenChannels } from "./given-channels.ts";
import { listenersOf } from "./listeners.ts";
import type { Platform } from "./platform.ts";
import type { Posthorn, PosthornOptions, Status } from "./posthorn.d.ts";
import { Session } from "./session.ts";

/** One connection per address: platforms allow few sockets, and close them late. */
const OPEN = new Map<string, Posthorn>();

/** Gives the app's connection to this address, made by `platformOf` if there is none yet. */
export function openPosthorn(
  options: PosthornOptions,
  platformOf: (options: PosthornOptions) => Platform,
): Posthorn {
  const endpoint = endpointOf(options.url);
  const known = OPEN.get(endpoint);
  if (known !== undefined) return known;
  const session = new Session(endpoint, platformOf(options), options);
  const given = new GivenChannels(session);
  const devices = new Map<string, DeviceHandle>();
  const posthorn: Posthorn = {
    get status() {
      return session.status;
    },
    device: (id) => {
      if (session.status.state === "closed") throw closedError(`give device ${id}`);
      const handle = devices.get(id) ?? new DeviceHandle(session, given, id);
      devices.set(id, handle);
      return handle;
    },
    on: (name: "status", listener: (status: Status) => void) => {
      if (session.status.state === "closed") throw closedError("tell the status");
      return listenersOf({ status: session.statuses }, name).add(listener);
    },
    connect: () => session.connect(),
    close: () => {
      OPEN.delete(endpoint);
      devices.forEach((device) => {
        device.end();
      });
      session.close();
    },
  };
  OPEN.set(endpoint, posthorn);
  return posthorn;
}

/** `https` is meant as `wss`; the path is that of the client protocol unless another is given. */
function endpointOf(url: string): string {
  const [, secure, rest = "", path = ""] =
    /^(?:ws|http)(s?):\/\/([^/?#]+)\/?(.*)$/i.exec(url) ?? [];
  if (rest === "") {
    // What follows may be a ticket, and errors are logged.
    const [told] = String(url).split(/[?#]/);
    throw new TypeError(`Cannot use url ${told}: it must look like wss://push.example.com`);
  }
  if (/^login\/?$|[?#]/i.test(path)) {
    // Its text stays untold: there may be a ticket in it.
    throw new TypeError(
      "Cannot use url: found the path /login or a query, wanted only the host, like wss://push.example.com; a ticket is what getTicket gives",
    );
  }
  return `ws${secure?.toLowerCase()}://${rest}/${path || "connection/websocket"}`;
}
