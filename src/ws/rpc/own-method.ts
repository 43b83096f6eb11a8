import { Fault } from "../../core/faults.ts";
import type { StopSignal } from "../../core/ports/stop-signal.ts";
import type { CommandOf } from "../../protocol/client-frame.ts";
import { answerCommand } from "../answer-command.ts";
import type { Client } from "../client.ts";
import { Refusal, toProtocolError } from "../protocol-error.ts";

/** What one call of a method asks for, checked. */
export interface OwnCall {
  /** It takes its time, so the client's other commands go on meanwhile. */
  readonly waits: boolean;
  /** Resolves to JSON text. `gone` aborts when the client is. */
  answer(gone: StopSignal): Promise<string>;
}

/** Reads one call of a method; `data` is JSON text. Throws what to answer instead. */
export type OwnMethod = (client: Client, data: string | undefined) => OwnCall;

/** Calls one of Posthorn's own methods. */
export async function callOwnMethod(
  client: Client,
  command: CommandOf<"rpc">,
  method: OwnMethod,
): Promise<void> {
  const call = await inFullWords(() => method(client, command.data));
  const answer = async (): Promise<void> => {
    const result = await inFullWords(() => call.answer(client.calls.signal));
    if (!client.isClosed) client.reply(command, `{"data":${result}}`);
  };
  if (!call.waits) return answer();
  return inFullWords(() => client.calls.begin(() => answerCommand(client, command, answer)));
}

/** Nobody else gives these methods a meaning, so the refusal says what is wrong beside its code. */
async function inFullWords<Result>(work: () => Promise<Result> | Result): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    // What the operator has to hear of is logged with all it knows.
    if (!(error instanceof Fault) || error.kind === "unavailable") throw error;
    throw new Refusal({ ...toProtocolError(error), message: error.message });
  }
}
