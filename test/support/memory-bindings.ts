import type { DeviceId } from "../../src/core/device-id.ts";
import type { Binding, Bindings, Bound } from "../../src/core/ports/bindings.ts";

/** The simplest bindings that keep the promises of the port; a test may hold its answers back. */
export class MemoryBindings implements Bindings {
  /** What `bind` answers for these devices, keeping nothing. */
  readonly refusals = new Map<DeviceId, Exclude<Bound, "bound">>();
  #bindings: readonly Binding[] = [];
  readonly #gates = { reads: Promise.resolve(), writes: Promise.resolve() };

  /** Answers are made at once, but come when the returned function is called. */
  hold(what: "reads" | "writes"): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gates[what] = promise;
    return resolve;
  }

  /** What is asked from now on is answered at once. */
  holdNoMore(what: "reads" | "writes"): void {
    this.#gates[what] = Promise.resolve();
  }

  async bind(binding: Binding): Promise<Bound> {
    const refusal = this.refusals.get(binding.device);
    if (refusal === undefined) {
      this.#bindings = [...this.#others(binding.user, binding.device), binding];
    }
    return this.#written(refusal ?? "bound");
  }

  async unbind(user: string, device: DeviceId): Promise<boolean> {
    const others = this.#others(user, device);
    const wasBound = others.length < this.#bindings.length;
    this.#bindings = others;
    return this.#written(wasBound);
  }

  async bindingsOfUser(user: string): Promise<readonly Binding[]> {
    return this.#read(
      this.#bindings
        .filter((it) => it.user === user)
        .toSorted((one, other) => (one.device < other.device ? -1 : 1)),
    );
  }

  async bindingsOfDevice(device: DeviceId): Promise<readonly Binding[]> {
    return this.#read(
      this.#bindings
        .filter((it) => it.device === device)
        .toSorted((one, other) => (one.user < other.user ? -1 : 1)),
    );
  }

  /** What removing the device does to its bindings. */
  forget(device: DeviceId): void {
    this.#bindings = this.#bindings.filter((it) => it.device !== device);
  }

  #others(user: string, device: DeviceId): readonly Binding[] {
    return this.#bindings.filter((it) => it.user !== user || it.device !== device);
  }

  async #written<Answer>(answer: Answer): Promise<Answer> {
    await this.#gates.writes;
    return answer;
  }

  async #read<Answer>(answer: Answer): Promise<Answer> {
    await this.#gates.reads;
    return answer;
  }
}
