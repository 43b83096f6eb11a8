import type { Link, LinkEvents, Platform } from "../platform.ts";

interface Target {
  addEventListener(name: string, run: () => void): void;
}

interface SocketClass {
  new (url: string): WebSocket;
}

/** The part of a window that is used. */
interface Window extends Partial<Target> {
  readonly WebSocket?: SocketClass;
  readonly document?: Target & { readonly visibilityState: string };
  readonly navigator?: { readonly language?: string };
}

/** All that browsers tell of the kind of a network. */
const ONLINE = "online";

/**
 * Browsers. Throws where there is no WebSocket, as in Node 20: no new attempt would find one. A hidden page
 * keeps its socket; what freezes it is told by the clock when it is back.
 */
export function browserPlatform(api: object = globalThis): Platform {
  const window = api as Window;
  const { WebSocket } = window;
  if (WebSocket === undefined) {
    throw new TypeError(
      'Cannot connect: found no WebSocket here, wanted a browser, Node 22, or platform: { name: "browser", api: { WebSocket } }',
    );
  }
  const onVisibility = (state: string, run: () => void) =>
    window.document?.addEventListener("visibilitychange", () => {
      if (window.document?.visibilityState === state) run();
    });
  return {
    name: "browser",
    losesOpen: false,
    freezes: false,
    open: (url, events) => openSocket(WebSocket, url, events),
    onShow: (run) => onVisibility("visible", run),
    onHide: (run) => onVisibility("hidden", run),
    onNetwork: (run) => {
      window.addEventListener?.("offline", () => run(false, "none"));
      window.addEventListener?.("online", () => run(true, ONLINE));
    },
    findNetwork: (run) => run(ONLINE),
    language: () => window.navigator?.language ?? "",
  };
}

function openSocket(Socket: SocketClass, url: string, events: LinkEvents): Link {
  let socket: WebSocket | undefined;
  try {
    socket = new Socket(url);
    socket.onopen = () => events.opened();
    socket.onmessage = ({ data }) => events.message(String(data));
    // A browser keeps the reason of an error to itself; the close that follows has a code.
    socket.onclose = ({ code, reason }) => events.closed(code, reason);
  } catch (error) {
    setTimeout(() => events.failed(String(error)), 0);
  }
  return {
    send: (text, failed) => {
      try {
        socket?.send(text);
      } catch {
        failed();
      }
    },
    close: () => socket?.close(1000),
  };
}
