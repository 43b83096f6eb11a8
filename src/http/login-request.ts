import type { Channel } from "../core/channel.ts";
import type { Position } from "../core/publication.ts";
import type { HandshakeConnect } from "../ws/admit.ts";
import { parseResume } from "../ws/resume.ts";
import { bearerOf } from "./bearer.ts";

/** `<epoch>:<offset>`, with the channel before it where a client knows it. */
const SINCE = /^(?:(.+):)?([^:]*):(\d{1,15})$/;

/** Reads what the handshake of /login says in place of a connect command. */
export function parseLogin(request: Request, url: URL): Omit<HandshakeConnect, "visitors"> {
  const query = url.searchParams;
  const resumed = parseResume(query.get("resume") ?? "");
  const unnamed: Position[] = [];
  for (const text of query.getAll("since")) {
    const [, channel, epoch = "", offset] = SINCE.exec(text) ?? [];
    if (offset === undefined) continue;
    const position = { epoch, offset: Number(offset) };
    if (channel === undefined) unnamed.push(position);
    else resumed.set(channel, position);
  }
  return {
    token: query.get("token") ?? bearerOf(request.headers.get("authorization")) ?? "",
    sinceOf: (channel: Channel) => {
      const named = resumed.get(channel);
      return named === undefined ? unnamed : [named];
    },
  };
}
