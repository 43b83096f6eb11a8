import type { Command } from "../../protocol/client-frame.ts";
import { DISCONNECT } from "../../protocol/codes.ts";
import type { Client } from "../client.ts";
import { Disconnection } from "../protocol-error.ts";
import { history } from "./history.ts";
import { presence, presenceStats } from "./presence.ts";
import { publish } from "./publish.ts";
import { refresh } from "./refresh.ts";
import { rpc } from "./rpc.ts";
import { subRefresh } from "./sub-refresh.ts";
import { subscribe } from "./subscribe.ts";
import { unsubscribe } from "./unsubscribe.ts";

/** Does what one command of an admitted client asks, or throws what to answer instead. */
export function runCommand(client: Client, command: Command): Promise<void> | void {
  switch (command.method) {
    case "subscribe":
      return subscribe(client, command);
    case "unsubscribe":
      return unsubscribe(client, command);
    case "publish":
      return publish(client, command);
    case "presence":
      return presence(client, command);
    case "presence_stats":
      return presenceStats(client, command);
    case "history":
      return history(client, command);
    case "rpc":
      return rpc(client, command);
    case "refresh":
      return refresh(client, command);
    case "sub_refresh":
      return subRefresh(client, command);
    case "send":
      throw new Disconnection(DISCONNECT.notAvailable);
    case "connect":
      throw new Disconnection(DISCONNECT.badRequest);
  }
}
