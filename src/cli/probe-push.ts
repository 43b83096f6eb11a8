import type { Config } from "../config/config.ts";
import { Fault } from "../core/faults.ts";
import { createPushProviders } from "../push/providers.ts";
import { createCourier } from "../runtime/courier.ts";
import { createSigner } from "../webhooks/signature.ts";
import type { Finding } from "./checks.ts";
import type { CommandContext } from "./command.ts";

/** Makes each provider as a start would, which reads its files; nobody is asked. */
export async function probePush(
  { push }: Config,
  { clock, entropy }: CommandContext,
): Promise<Finding[]> {
  if (push.size === 0) return [{ status: "ok", found: "none configured: devices are not woken" }];
  const around = { clock, entropy, courier: createCourier(clock), createSigner };
  return await Promise.all(
    [...push].map(async ([name, settings]): Promise<Finding> => {
      try {
        await createPushProviders(new Map([[name, settings]]), around);
        return { status: "ok", found: `push.${name}: ${settings.provider}` };
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        const found = `push.${name}: ${error.detail ?? error.message}`;
        return { status: "fail", found, remedy: `Correct what push.${name} names, or remove it` };
      }
    }),
  );
}
