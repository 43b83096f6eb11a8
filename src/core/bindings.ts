import type { DeviceId } from "./device-id.ts";
import { Fault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import type { Binding, Bindings } from "./ports/bindings.ts";

/** What is so of one user and one device from now on. */
export interface BindingChange {
  readonly user: string;
  readonly device: DeviceId;
  /** What the user may send it. Absent: the two are not bound any more. */
  readonly commands?: readonly string[];
}

/** Carries changes of bindings to the clients that are connected. MUST NOT throw. */
export interface BindingFanout {
  /** Changes of one user come in the order in which they were stored. */
  bindingChanged(change: BindingChange): void;
  /** The device is nobody's any more. */
  deviceRemoved(device: DeviceId): void;
}

/** Who owns which devices. What changes is stored first; whoever is connected feels it at once. */
export interface DeviceBindings {
  /** Throws `device_unknown` or `bindings_full`. */
  bind(user: string, device: DeviceId, commands: readonly string[]): Promise<void>;
  /** Throws `binding_unknown`. */
  unbind(user: string, device: DeviceId): Promise<void>;
  /** In order of device. */
  ofUser(user: string): Promise<readonly Binding[]>;
  /** In order of user. */
  ofDevice(device: DeviceId): Promise<readonly Binding[]>;
  /** To be called once a device was removed, which ended its bindings too. */
  deviceRemoved(device: DeviceId): void;
}

export interface DeviceBindingsOptions {
  readonly store: Bindings;
  readonly fanout: BindingFanout;
}

/** Turns untrusted text into the id of a user who can own devices, or throws `binding_invalid`. */
export function parseOwner(text: string): string {
  const { userMaxChars } = LIMITS;
  // Control characters could forge a line of a log, and halves of a character are stored as another one.
  const isPlain = !/\p{Cc}/u.test(text) && text.isWellFormed();
  if (text.length >= 1 && text.length <= userMaxChars && isPlain) return text;
  const found = JSON.stringify(text.slice(0, 80));
  const detail = `got the user ${found}, wanted 1 to ${userMaxChars} characters on one line`;
  throw new Fault("binding_invalid", { detail });
}

export function createDeviceBindings({ store, fanout }: DeviceBindingsOptions): DeviceBindings {
  const inTurn = createTurns();
  let removals = 0;

  /** What the store says by now, where a removal may have come between. */
  async function stored(user: string, device: DeviceId): Promise<BindingChange> {
    while (true) {
      const seen = removals;
      const found = (await store.bindingsOfUser(user)).find((it) => it.device === device);
      if (seen === removals) return found ?? { user, device };
    }
  }

  async function bind(binding: Binding): Promise<void> {
    const { user, device } = binding;
    const seen = removals;
    const outcome = await store.bind(binding);
    if (outcome === "bound") {
      fanout.bindingChanged(seen === removals ? binding : await stored(user, device));
      return;
    }
    if (outcome === "full") throw full();
    throw new Fault("device_unknown", { detail: `there is no device "${device}"` });
  }

  return {
    bind: (user, device, commands) => inTurn(user, () => bind({ user, device, commands })),
    unbind: (user, device) =>
      inTurn(user, async () => {
        const wasBound = await store.unbind(user, device);
        // Told in any case: an attempt before may have failed once it was stored.
        fanout.bindingChanged({ user, device });
        if (!wasBound) throw unknown(user, device);
      }),
    ofUser: (user) => store.bindingsOfUser(user),
    ofDevice: (device) => store.bindingsOfDevice(device),
    deviceRemoved(device) {
      removals += 1;
      fanout.deviceRemoved(device);
    },
  };
}

type Turns = (user: string, task: () => Promise<void>) => Promise<void>;

/** Lets the tasks of one user run one after another: who is told last has to be told what is stored last. */
function createTurns(): Turns {
  const last = new Map<string, Promise<void>>();
  return async (user, task) => {
    const before = last.get(user);
    const { promise: done, resolve } = Promise.withResolvers<void>();
    last.set(user, done);
    try {
      await before;
      await task();
    } finally {
      if (last.get(user) === done) last.delete(user);
      resolve();
    }
  };
}

function full(): Fault {
  const { bindingsPerUser, bindingsPerDevice } = LIMITS;
  const detail = `a user may have ${bindingsPerUser} devices and a device ${bindingsPerDevice} users`;
  return new Fault("bindings_full", { detail });
}

function unknown(user: string, device: DeviceId): Fault {
  const detail = `device "${device}" is not bound to ${JSON.stringify(user)}`;
  return new Fault("binding_unknown", { detail });
}
