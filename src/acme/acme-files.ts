import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { Fault } from "../core/faults.ts";

const ACCOUNT_FILE = "account.pem";
const CERTIFICATE_FILE = "certificate.pem";
const ORDERS_FILE = "orders.json";
/** There are private keys in all of it. */
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

/**
 * What is kept of one authority: the account's key, the newest certificate and when orders were begun.
 *
 * Each is one file that is whole at any time, whatever ends us when: a certificate and its key above
 * all are one file, so that they always belong together.
 */
export class AcmeFiles {
  readonly #folder: string;

  constructor(folder: string, directoryUrl: string) {
    const { host, pathname } = new URL(directoryUrl);
    // An authority that is for trials shares nothing with the real one.
    this.#folder = join(folder, `${host}${pathname}`.replace(/[^A-Za-z0-9.]+/g, "-"));
  }

  account(): Promise<string | undefined> {
    return this.#read(ACCOUNT_FILE);
  }

  keepAccount(pem: string): Promise<void> {
    return this.#write(ACCOUNT_FILE, pem);
  }

  /** The key, then the chain. */
  certificate(): Promise<string | undefined> {
    return this.#read(CERTIFICATE_FILE);
  }

  keepCertificate(pem: string): Promise<void> {
    return this.#write(CERTIFICATE_FILE, pem);
  }

  /** When the last orders were begun, in milliseconds since 1970; nothing where that cannot be told. */
  async orders(): Promise<readonly number[]> {
    const text = await this.#read(ORDERS_FILE);
    try {
      const value: unknown = JSON.parse(text ?? "[]");
      return Array.isArray(value) ? value.filter((it) => typeof it === "number") : [];
    } catch {
      return []; // it only slows us down, so somebody else's mistake in it must not stop us
    }
  }

  keepOrders(startsMs: readonly number[]): Promise<void> {
    return this.#write(ORDERS_FILE, JSON.stringify(startsMs));
  }

  async #read(name: string): Promise<string | undefined> {
    const path = join(this.#folder, name);
    try {
      return await readFile(path, "utf8");
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
      throw unusable("read", path, cause);
    }
  }

  /** Puts a whole new file in the place of the old one, and both on the disk. */
  async #write(name: string, text: string): Promise<void> {
    const path = join(this.#folder, name);
    try {
      await mkdir(this.#folder, { recursive: true, mode: DIRECTORY_MODE });
      const file = await open(`${path}.new`, "w", FILE_MODE);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.new`, path);
      await syncFolder(this.#folder);
    } catch (cause) {
      throw unusable("write", path, cause);
    }
  }
}

/** A name that changed is on the disk only when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unusable(verb: string, path: string, cause: unknown): Fault {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Fault("certificate_unusable", { detail: `cannot ${verb} ${path}: ${reason}`, cause });
}
