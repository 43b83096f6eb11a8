import type { Clock } from "../../src/core/ports/clock.ts";
import type { Log } from "../../src/core/ports/log.ts";
import { createLog } from "../../src/telemetry/log.ts";

/** The real log at its most talkative, and every line it wrote: to look for what must not be there. */
export class LogText implements Log {
  text = "";
  readonly debug: Log["debug"];
  readonly info: Log["info"];
  readonly warn: Log["warn"];
  readonly error: Log["error"];

  constructor(clock: Clock) {
    const write = (line: string): void => {
      this.text += `${line}\n`;
    };
    const log = createLog({ level: "debug", format: "json", clock, write });
    this.debug = log.debug;
    this.info = log.info;
    this.warn = log.warn;
    this.error = log.error;
  }
}
