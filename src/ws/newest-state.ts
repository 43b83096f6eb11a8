import { type Channel, DEVICE_NAMESPACE } from "../core/channel.ts";
import { type DeviceId, parseDeviceId } from "../core/device-id.ts";
import { encodeState } from "../core/device-state-text.ts";
import { Fault } from "../core/faults.ts";
import type { DeviceStates } from "../core/ports/device-states.ts";
import { isObjectText } from "../core/raw-json.ts";
import type { Opening } from "../core/subscriptions.ts";
import type { SubscriptionPlan } from "./subscription.ts";

type States = Pick<DeviceStates, "deviceState">;

/**
 * The plan with the newest state of its channel's device for who asked for it; as it is where there
 * is no device. To be called once the subscription is being opened: whatever changes after this
 * read is then among what the subscription brings.
 */
export async function withNewestState(
  states: States,
  plan: SubscriptionPlan,
): Promise<SubscriptionPlan> {
  const device = plan.withState ? deviceOf(plan.channel) : undefined;
  if (device === undefined) return plan;
  const state = encodeState(await states.deviceState(device));
  return { ...plan, data: addState(plan.data, state) };
}

/** The same for a subscription that is opened alone; when it fails the opening is given up. */
export async function completePlan(
  states: States,
  plan: SubscriptionPlan,
  opening: Opening,
): Promise<SubscriptionPlan> {
  try {
    return await withNewestState(states, plan);
  } catch (error) {
    opening.cancel();
    throw error;
  }
}

/** The data of a subscription with a state in it. What credentials gave stays, and counts more. */
function addState(data: string | undefined, state: string): string {
  if (data === undefined) return `{"state":${state}}`;
  if (!isObjectText(data)) return data;
  const members = data.trim().slice(1).trimStart();
  return `{"state":${state}${members === "}" ? "" : ","}${members}`;
}

function deviceOf(channel: Channel): DeviceId | undefined {
  const prefix = `${DEVICE_NAMESPACE}:`;
  if (!channel.startsWith(prefix)) return undefined;
  try {
    return parseDeviceId(channel.slice(prefix.length));
  } catch (error) {
    // A channel may be called what no device can be.
    if (error instanceof Fault) return undefined;
    throw error;
  }
}
