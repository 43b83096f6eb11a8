import type { CommandChange, CommandStatus, DeviceEvent } from "./posthorn.d.ts";

/** A command as the server tells of it. */
export interface CommandOnWire {
  readonly id?: string;
  /** Its id, in a publication. */
  readonly command?: string;
  readonly type: string;
  readonly status: string;
  readonly result?: ResultOnWire;
}

interface ResultOnWire {
  readonly ok: boolean;
  readonly data?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Reads a publication whose type starts with `command.`. */
export function readChange({ type, data }: DeviceEvent): CommandChange {
  const command = (data ?? {}) as CommandOnWire;
  const { result } = command;
  return {
    id: command.command ?? "",
    type: command.type,
    status: type.slice("command.".length) as CommandStatus,
    ...(result !== undefined && "data" in result && { data: result.data }),
    ...(result !== undefined && result.error !== undefined && { error: result.error }),
  };
}
