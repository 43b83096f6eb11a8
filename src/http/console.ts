import { consolePage } from "../console/console-page.ts";
import type { App } from "./app-env.ts";
import { pageAnswer } from "./page-answer.ts";

/** `/console`: the embedded page. */
export function bindConsole(app: App): void {
  app.get("/console", (c) => pageAnswer(c, consolePage));
}
