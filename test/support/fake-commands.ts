import type { CommandRecord, CommandRequest } from "../../src/core/command.ts";
import { type CommandId, enqueueCommand } from "../../src/core/command.ts";
import type { DeviceId } from "../../src/core/device-id.ts";
import { Fault } from "../../src/core/faults.ts";
import type { Clock } from "../../src/core/ports/clock.ts";
import type { SentUnderKey } from "../../src/core/ports/command-queue.ts";
import type { StopSignal } from "../../src/core/ports/stop-signal.ts";

interface Waiting {
  readonly record: CommandRecord;
  readonly signal: StopSignal;
  readonly end: (record: CommandRecord) => void;
}

/** Takes commands and tells nobody; a test ends those that are waited for. */
export class FakeCommands {
  readonly sent: { readonly request: CommandRequest; readonly waitMs: number }[] = [];
  readonly waiting: Waiting[] = [];
  /** Thrown at whoever sends. */
  failure: Error | undefined;
  readonly #records = new Map<string, CommandRecord>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async send(request: CommandRequest, waitMs: number, signal: StopSignal): Promise<CommandRecord> {
    if (this.failure !== undefined) throw this.failure;
    this.sent.push({ request, waitMs });
    const id = `c${this.sent.length}` as CommandId;
    const record = enqueueCommand(request, { id, nowMs: this.#clock.nowMs() });
    this.#records.set(`${record.device} ${id}`, record);
    if (waitMs === 0) return record;
    const { promise, resolve } = Promise.withResolvers<CommandRecord>();
    signal.addEventListener("abort", () => resolve(record));
    this.waiting.push({ record, signal, end: resolve });
    return promise;
  }

  async find(device: DeviceId, id: CommandId): Promise<CommandRecord> {
    const record = this.#records.get(`${device} ${id}`);
    if (record === undefined) throw new Fault("command_unknown", { detail: `no ${id}` });
    return record;
  }

  async findUnderKey({ device, sender, key }: SentUnderKey): Promise<CommandRecord> {
    const sentBy = JSON.stringify(sender);
    for (const record of this.#records.values()) {
      const isIt = record.device === device && record.key === key;
      if (isIt && JSON.stringify(record.sender) === sentBy) return record;
    }
    throw new Fault("command_unknown", { detail: `no ${key}` });
  }
}
