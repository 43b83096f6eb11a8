import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSdk } from "../../../src/sdk/build.ts";
import type {
  createPosthorn,
  Posthorn,
  PosthornOptions,
  Status,
} from "../../../src/sdk/posthorn.d.ts";
import { Inbox } from "../inbox.ts";
import { Phone, type PhoneOptions } from "./phone.ts";

/** What the file of the SDK exports. */
export interface Sdk {
  readonly createPosthorn: typeof createPosthorn;
}

/** The files as they are shipped, built once per run of a test file. */
export async function builtSdk(): Promise<{
  readonly miniprogram: string;
  readonly browser: string;
}> {
  const folder = await mkdtemp(join(tmpdir(), "posthorn-sdk-"));
  try {
    await buildSdk(folder);
    return {
      miniprogram: await readFile(join(folder, "posthorn.miniprogram.js"), "utf8"),
      browser: await readFile(join(folder, "posthorn.js"), "utf8"),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** An app on a phone that uses the SDK as it is shipped. */
export class App implements Disposable {
  readonly phone: Phone;
  readonly sdk: Sdk;
  readonly posthorn: Posthorn;
  readonly statuses = new Inbox<Status>();
  #seen = 0;

  constructor(source: string, options: PosthornOptions, phoneOptions: PhoneOptions = {}) {
    this.phone = new Phone(phoneOptions);
    this.sdk = this.phone.launch<Sdk>(source);
    this.posthorn = this.sdk.createPosthorn(options);
    this.posthorn.on("status", (status) => this.statuses.push(status));
  }

  /** How many attempts to connect have failed. */
  get failures(): number {
    return new Set(this.statuses.items.flatMap(({ problem }) => problem ?? [])).size;
  }

  /** Waits for the next status of this kind; those before it are over. */
  async next(state: Status["state"]): Promise<Status> {
    const status = await this.statuses.find((it) => it.state === state, {
      what: `the status ${state}`,
      from: this.#seen,
    });
    this.#seen = this.statuses.items.indexOf(status, this.#seen) + 1;
    return status;
  }

  [Symbol.dispose](): void {
    this.phone[Symbol.dispose]();
  }
}
