import { DeviceHandle } from "./device.ts";
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
  const devices = new Map<string, DeviceHandle>();
  const posthorn: Posthorn = {
    get status() {
      return session.status;
    },
    device: (id) => {
      const handle = devices.get(id) ?? new DeviceHandle(session, id);
      devices.set(id, handle);
      return handle;
    },
    on: (_name: "status", listener: (status: Status) => void) => session.statuses.add(listener),
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
    throw new TypeError(`Cannot use url ${url}: it must look like wss://push.example.com`);
  }
  return `ws${secure?.toLowerCase()}://${rest}/${path || "connection/websocket"}`;
}
