import { DISCONNECT } from "../protocol/codes.ts";
import type { ClientServices } from "./client-services.ts";

/** Whom it hits that a user has as many clients as it may. */
export type UserLimitRule = "refuse" | "replace";

type Counted = Pick<ClientServices, "registry" | "limits" | "onUserLimit">;

/** Whether one more client of this user may come. */
export function mayCome({ registry, limits, onUserLimit }: Counted, user: string): boolean {
  return onUserLimit === "replace" || excess(registry.ofUser(user).length, user, limits) === 0;
}

/** Sends away as many of the user's oldest clients as one more takes the place of. */
export function makePlace({ registry, limits, onUserLimit }: Counted, user: string): void {
  if (onUserLimit === "refuse") return;
  const clients = registry.ofUser(user);
  for (const client of clients.slice(0, excess(clients.length, user, limits))) {
    client.end(DISCONNECT.replaced);
  }
}

/** How many clients are too many when one more comes; who is not signed in is not counted. */
function excess(count: number, user: string, { clientsPerUser }: ClientServices["limits"]): number {
  if (clientsPerUser === 0 || user === "") return 0;
  return Math.max(0, count + 1 - clientsPerUser);
}
