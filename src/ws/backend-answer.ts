import type { BackendAnswer } from "../core/ports/backend.ts";
import { Disconnection, Refusal } from "./protocol-error.ts";

/** The backend's yes, or its own words thrown as what they mean for the client. */
export function resultFrom<Result>(answer: BackendAnswer<Result>): Result {
  if ("result" in answer) return answer.result;
  if ("error" in answer) throw new Refusal(answer.error);
  throw new Disconnection(answer.disconnect);
}
