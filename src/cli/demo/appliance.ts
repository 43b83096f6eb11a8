import type { Clock } from "../../core/ports/clock.ts";
import type { Entropy } from "../../core/ports/entropy.ts";
import { pause } from "./pause.ts";

/** What a command came to, as the server wants to be told. */
export type CommandOutcome =
  | { readonly ok: true; readonly data: unknown }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } };

export interface ApplianceOptions {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly signal: AbortSignal;
  /** Told whenever the light goes on or off. */
  readonly lightChanged: (isOn: boolean) => void;
}

const TARGET_FIRST = 21.5;
const TARGET_LIMITS = { least: -30, most: 60 };
const BLINK_MS = 250;
const BLINKS_MAX = 10;

/** The part of the terminal that does something: a thermometer, and a light. */
export class Appliance {
  readonly #options: ApplianceOptions;
  readonly #startedAtMs: number;
  #light = false;
  #target = TARGET_FIRST;
  #temperature: number;

  constructor(options: ApplianceOptions) {
    this.#options = options;
    this.#startedAtMs = options.clock.monotonicMs();
    this.#temperature = TARGET_FIRST + 2 * (options.entropy.fraction() - 0.5);
  }

  /** What it says of itself. */
  get state(): Readonly<Record<string, unknown>> {
    return { light: this.#light, target: this.#target };
  }

  /** The temperature, which wavers, and follows the target as a room would. */
  measure(): number {
    const noise = 0.5 * (this.#options.entropy.fraction() - 0.5);
    this.#temperature += 0.12 * (this.#target - this.#temperature) + noise;
    return rounded(this.#temperature);
  }

  /** Becomes what is wanted, as far as it can; gives the keys that it cannot be. */
  become(delta: Readonly<Record<string, unknown>>): readonly string[] {
    return Object.entries(delta).flatMap(([key, value]) => (this.#take(key, value) ? [] : [key]));
  }

  async obey(type: string, data: unknown): Promise<CommandOutcome> {
    const { on, times = 3 } = Object(data) as { on?: unknown; times?: unknown };
    switch (type) {
      case "light":
        if (typeof on !== "boolean") return failed("data_invalid", 'wanted {"on":true} or false');
        this.#switch(on);
        return done({ light: on });
      case "blink":
        return await this.#blink(times);
      case "ping":
        return done({ pong: true, uptime_s: this.#uptimeSeconds() });
      case "fail":
        return failed("out_of_order", "it is made to fail, and so it did");
      default:
        return failed("command_unknown", `known are light, blink, ping and fail`);
    }
  }

  async #blink(times: unknown): Promise<CommandOutcome> {
    const { clock, signal } = this.#options;
    if (typeof times !== "number" || !(times >= 1 && times <= BLINKS_MAX)) {
      return failed("data_invalid", `wanted {"times":1} to ${BLINKS_MAX}`);
    }
    const before = this.#light;
    for (let flips = 0; flips < 2 * Math.floor(times); flips += 1) {
      this.#switch(!this.#light);
      await pause(BLINK_MS, clock, signal);
    }
    this.#switch(before);
    return done({ blinked: Math.floor(times) });
  }

  #take(key: string, value: unknown): boolean {
    const { least, most } = TARGET_LIMITS;
    if (key === "light" && typeof value === "boolean") {
      this.#switch(value);
      return true;
    }
    if (key !== "target" || typeof value !== "number" || value < least || value > most) {
      return false;
    }
    this.#target = value;
    return true;
  }

  #switch(isOn: boolean): void {
    if (this.#light === isOn) return;
    this.#light = isOn;
    this.#options.lightChanged(isOn);
  }

  #uptimeSeconds(): number {
    return Math.round((this.#options.clock.monotonicMs() - this.#startedAtMs) / 1000);
  }
}

function done(data: unknown): CommandOutcome {
  return { ok: true, data };
}

function failed(code: string, message: string): CommandOutcome {
  return { ok: false, error: { code, message } };
}

function rounded(degrees: number): number {
  return Math.round(10 * degrees) / 10;
}
