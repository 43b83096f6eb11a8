import { type DeviceState, type StateSide, stateDelta } from "./device-state.ts";
import type { OwnEvent } from "./own-event.ts";

/** The JSON text of a state for whoever asks for it, with what the device still has to follow as `delta`. */
export function encodeState(state: DeviceState): string {
  const delta = stateDelta(state);
  const rest = delta === undefined ? "" : `,"delta":${delta}`;
  return `{"device":"${state.device}",${bothSides(state)}${rest}}`;
}

/** The event that tells of a change of one side; to be made once after each. */
export function stateEvent(state: DeviceState, side: StateSide, timeMs: number): OwnEvent {
  const { device } = state;
  return {
    // With the time: versions start anew with a device that was removed and added again.
    id: `${device}.${side}.${state[side].version}.${timeMs}`,
    type: "device.state",
    device,
    timeMs,
    data: `{"changed":"${side}",${bothSides(state)}}`,
  };
}

function bothSides({ reported, desired }: DeviceState): string {
  const texts = `"reported":${reported.text},"desired":${desired.text}`;
  return `${texts},"reported_version":${reported.version},"desired_version":${desired.version}`;
}
