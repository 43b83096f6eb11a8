import { type Browser, chromium, type Page } from "playwright-core";
import { DEADLINE_MS } from "./inbox.ts";

/** The path of Chromium on this machine, when it has one. */
export function findChromium(): string | undefined {
  const names = ["chromium", "chromium-browser", "google-chrome"];
  return names.map((name) => Bun.which(name)).find((path) => path !== null) ?? undefined;
}

/** A page in a real browser, and what it complained of. */
export interface OpenPage {
  readonly page: Page;
  /** What its scripts threw and its console called an error. */
  readonly errors: string[];
}

/** A real browser, without a window. */
export class Chromium implements AsyncDisposable {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(): Promise<Chromium> {
    const executablePath = findChromium();
    if (executablePath === undefined) {
      throw new Error("Cannot test in a browser: chromium is not installed");
    }
    // Root may not sandbox, and runs nothing here but our own pages.
    const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    return new Chromium(await chromium.launch({ executablePath, args }));
  }

  /** Opens a page as wide as a desktop's, or another width. */
  async open(url: string, width = 1280): Promise<OpenPage> {
    const page = await this.#browser.newPage({
      viewport: { width, height: 844 },
      locale: "en-US",
    });
    page.setDefaultTimeout(DEADLINE_MS);
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    await page.goto(url);
    return { page, errors };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}
