import { embeddedPage } from "./embedded-page.ts";
import page from "./page.html" with { type: "text" };

/** What `/console` answers. */
export const consolePage = embeddedPage(page);
