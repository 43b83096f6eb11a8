import type { Log, LogEvent, LogFields } from "../../src/core/ports/log.ts";

export interface Recorded {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly event: LogEvent;
  readonly fields: LogFields;
}

/** A log that a test can read. */
export class RecordingLog implements Log {
  readonly lines: Recorded[] = [];
  readonly debug = this.#writer("debug");
  readonly info = this.#writer("info");
  readonly warn = this.#writer("warn");
  readonly error = this.#writer("error");

  /** The fields of every line of one event. */
  of(event: LogEvent): LogFields[] {
    return this.lines.filter((line) => line.event === event).map(({ fields }) => fields);
  }

  #writer(level: Recorded["level"]) {
    return (event: LogEvent, fields: LogFields = {}) => {
      this.lines.push({ level, event, fields });
    };
  }
}
