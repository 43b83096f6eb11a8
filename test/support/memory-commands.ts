import { type CommandId, type CommandRecord, isFinal } from "../../src/core/command.ts";
import {
  type CommandInput,
  type CommandOutcome,
  type CommandTick,
  transition,
} from "../../src/core/command-life.ts";
import type { DeviceId } from "../../src/core/device-id.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type {
  CommandPage,
  CommandQueue,
  LeaseRequest,
  SentUnderKey,
} from "../../src/core/ports/command-queue.ts";

const TICKED_MAX = 100;

/** A queue that keeps the promises of its port in memory, with the rules of the core itself. */
export class MemoryCommands implements CommandQueue {
  /** In the order in which they were added. */
  readonly records = new Map<CommandId, CommandRecord>();
  /** Every change, in order, as `<id> <status> <attempt>`. */
  readonly changes: string[] = [];
  /** Every lease asked for. */
  readonly leases: LeaseRequest[] = [];
  /** How often it was asked what waits. */
  looks = 0;
  /** What every call rejects with from now on. */
  failure: Error | undefined;
  readonly #isKnown: (device: DeviceId) => boolean;

  constructor(isKnown: (device: DeviceId) => boolean = () => true) {
    this.#isKnown = isKnown;
  }

  async addCommand(command: CommandRecord) {
    this.#check();
    if (!this.#isKnown(command.device)) return { unknown: true } as const;
    const ofDevice = this.#of(command.device);
    const existing = ofDevice.find((it) => command.key !== undefined && isSameKey(it, command));
    if (existing !== undefined) return { existing };
    const open = ofDevice.filter(({ status }) => !isFinal(status)).length;
    if (open >= LIMITS.commandsQueuedPerDevice) return { full: open };
    this.#keep(command);
    return { added: command };
  }

  async leaseCommands(request: LeaseRequest) {
    this.#check();
    this.leases.push(request);
    const waiting = this.#of(request.device)
      .filter(({ status, expiresAtMs }) => status === "queued" && expiresAtMs > request.nowMs)
      .sort((a, b) => b.priority - a.priority)
      .slice(0, request.max);
    return waiting.flatMap((record) => this.#move(record, { ...request, kind: "lease" }));
  }

  async moveCommand(device: DeviceId, id: CommandId, input: CommandInput) {
    this.#check();
    const record = this.#find(device, id);
    if (record === undefined) return undefined;
    return this.#outcome(record, input);
  }

  async command(device: DeviceId, id: CommandId) {
    this.#check();
    return this.#find(device, id);
  }

  async commandUnderKey(sent: SentUnderKey) {
    this.#check();
    return this.#of(sent.device).find((it) => isSameKey(it, sent));
  }

  async commands({ device, before, limit }: CommandPage) {
    this.#check();
    const newest = this.#of(device).reverse();
    const from = before === undefined ? 0 : newest.findIndex(({ id }) => id === before) + 1;
    if (before !== undefined && from === 0) return undefined;
    return newest.slice(from, from + limit);
  }

  async commandsLeasedTo(device: DeviceId, receiver: string) {
    this.#check();
    return this.#of(device)
      .filter((it) => it.status === "leased" && it.receiver === receiver)
      .slice(0, LIMITS.commandsPerFetch);
  }

  async waitingCommands(device: DeviceId) {
    this.#check();
    this.looks += 1;
    const queued = this.#of(device).filter(({ status }) => status === "queued");
    const [first] = queued.sort((a, b) => b.priority - a.priority);
    return first && { count: queued.length, first: first.id };
  }

  async devicesWaitedFor({ after, limit }: { after?: DeviceId; limit: number }) {
    this.#check();
    const queued = [...this.records.values()].filter(({ status }) => status === "queued");
    const devices = [...new Set(queued.map(({ device }) => device))].sort();
    return devices.filter((id) => after === undefined || id > after).slice(0, limit);
  }

  async openCommands(device: DeviceId) {
    this.#check();
    return this.#of(device).filter(({ status }) => !isFinal(status)).length;
  }

  async tickCommands(tick: CommandTick) {
    this.#check();
    const input = { ...tick, kind: "tick" } as const;
    const due = [...this.records.values()]
      .filter((record) => !("unchanged" in transition(record, input)))
      .slice(0, TICKED_MAX);
    return due.flatMap((record) => this.#move(record, input));
  }

  #move(record: CommandRecord, input: CommandInput): CommandRecord[] {
    const outcome = this.#outcome(record, input);
    return "changed" in outcome ? [outcome.changed] : [];
  }

  #outcome(record: CommandRecord, input: CommandInput): CommandOutcome {
    const outcome = transition(record, input);
    if ("adjusted" in outcome) {
      this.records.set(record.id, outcome.adjusted);
      return { unchanged: outcome.adjusted };
    }
    if ("changed" in outcome) this.#keep(outcome.changed);
    return outcome;
  }

  #keep(record: CommandRecord): void {
    this.records.set(record.id, record);
    this.changes.push(`${record.id} ${record.status} ${record.attempt}`);
  }

  #find(device: DeviceId, id: CommandId): CommandRecord | undefined {
    const record = this.records.get(id);
    return record?.device === device ? record : undefined;
  }

  #of(device: DeviceId): CommandRecord[] {
    return [...this.records.values()].filter((record) => record.device === device);
  }

  #check(): void {
    if (this.failure !== undefined) throw this.failure;
  }
}

function isSameKey(a: CommandRecord, b: Pick<CommandRecord, "key" | "sender">): boolean {
  return a.key === b.key && JSON.stringify(a.sender) === JSON.stringify(b.sender);
}
