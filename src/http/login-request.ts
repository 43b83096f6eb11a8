import type { Channel } from "../core/channel.ts";
import type { Position } from "../core/publication.ts";
import type { HandshakeConnect } from "../ws/admit.ts";
import { parseResume } from "../ws/resume.ts";
import { bearerOf } from "./bearer.ts";

/** `<epoch>:<offset>`, with the channel before it where a client knows it. */
const SINCE = /^(?:(.+):)?([^:]*):(\d{1,15})$/;

/** No stream's epoch looks like this. */
const UNREADABLE: Position = { epoch: "unreadable", offset: 0 };

/** Reads what the handshake of /login says in place of a connect command. */
export function parseLogin(request: Request, url: URL): Omit<HandshakeConnect, "visitors"> {
  const query = url.searchParams;
  const resumed = parseResume(query.get("resume") ?? "");
  const unnamed: Position[] = [];
  for (const text of query.getAll("since")) {
    const [, channel, epoch = "", offset] = SINCE.exec(text) ?? [];
    // Who shows a position that cannot be read has missed something, and has to be told so.
    const position = offset === undefined ? UNREADABLE : { epoch, offset: Number(offset) };
    if (channel === undefined) unnamed.push(position);
    else resumed.set(channel, position);
  }
  return {
    devices: query.getAll("device"),
    withStates: query.get("state") === "1",
    token:
      query.get("ticket") ||
      query.get("token") ||
      (bearerOf(request.headers.get("authorization")) ?? ""),
    sinceOf: (channel: Channel) => {
      const named = resumed.get(channel);
      return named === undefined ? unnamed : [named];
    },
  };
}
