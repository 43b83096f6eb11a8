import { rawAt } from "../core/raw-json.ts";

/** Whether the data of a subscribe request asks for the newest state: `{"state":true}`. */
export function wantsState(data: string | undefined): boolean {
  return data !== undefined && rawAt(data, ["state"]) === "true";
}
