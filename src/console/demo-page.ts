import page from "./demo.html" with { type: "text" };
import { embeddedPage } from "./embedded-page.ts";

/** What `/demo` answers: a phone's view of the terminals, made with the client under `/sdk/`. */
export const demoPage = embeddedPage(page, ["'self'"]);
