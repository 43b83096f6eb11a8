import type { Bindings } from "../../core/ports/bindings.ts";
import type { Lanes } from "./lanes.ts";

/** The `Bindings` of a store. */
export function createBindings({ read, write }: Lanes): Bindings {
  return {
    bind(binding) {
      return write.run("bind", binding);
    },
    unbind(user, device) {
      return write.run("unbind", { user, device });
    },
    bindingsOfUser(user) {
      return read.run("bindingsOfUser", user);
    },
    bindingsOfDevice(device) {
      return read.run("bindingsOfDevice", device);
    },
  };
}
