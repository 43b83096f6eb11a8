import type { DeviceId } from "../device-id.ts";

/** This user owns this device: may see it, and may send it some commands. */
export interface Binding {
  readonly user: string;
  readonly device: DeviceId;
  /** Patterns of the types of commands it may send; "*" is every one, none is looking only. */
  readonly commands: readonly string[];
}

export type Bound = "bound" | "device_unknown" | "full";

/** Keeps who owns which devices. Every write is durable when it resolves. */
export interface Bindings {
  /**
   * Adds the binding or gives it these commands. "full": the user has `LIMITS.bindingsPerUser` or the
   * device `LIMITS.bindingsPerDevice` already. Where it is not "bound", nothing changed.
   */
  bind(binding: Binding): Promise<Bound>;
  /** False when there is no such binding. */
  unbind(user: string, device: DeviceId): Promise<boolean>;
  /** In order of device; there are never more than the limit. */
  bindingsOfUser(user: string): Promise<readonly Binding[]>;
  /** In order of user; there are never more than the limit. */
  bindingsOfDevice(device: DeviceId): Promise<readonly Binding[]>;
}
