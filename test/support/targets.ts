import { existsSync } from "node:fs";
import { resolve } from "node:path";

/** The repository's root. */
const ROOT: string = resolve(import.meta.dir, "../..");

/** For one black-box test: it starts processes, and the machine may be busy with others. */
export const BLACK_BOX_TIMEOUT_MS = 90_000;

/** One form in which Posthorn ships; the whole black-box suite runs against each. */
export interface Target {
  readonly name: "bun" | "deno" | "executable";
  readonly command: readonly [string, ...string[]];
  /** Mirrors the host's capability of this name: odd handshakes reach our own checker. */
  readonly lenientHandshake: boolean;
  /** The same: a dead client that sends no frames of its own can be found by pings of the websocket. */
  readonly nativePing: boolean;
  /** The same, `stopKeepsSockets`: sockets outlive the listener that accepted them, and so a new certificate. */
  readonly keepsSockets: boolean;
  /** The same: several certificates, TLS 1.3 only, and certificates of devices. */
  readonly fullTls: boolean;
}

const MAIN = resolve(ROOT, "src/main.ts");

export const EXECUTABLE: Target = {
  name: "executable",
  command: [resolve(ROOT, "dist/posthorn")],
  lenientHandshake: true,
  nativePing: true,
  keepsSockets: true,
  fullTls: true,
};

export const TARGETS: readonly Target[] = [
  { ...EXECUTABLE, name: "bun", command: [process.execPath, MAIN] },
  {
    name: "deno",
    command: [denoBinary(), "run", "-A", MAIN],
    lenientHandshake: false,
    nativePing: false,
    keepsSockets: false,
    fullTls: false,
  },
  EXECUTABLE,
];

for (const { name, command } of TARGETS) {
  if (!existsSync(command[0])) {
    throw new Error(
      `Cannot test target ${name}: ${command[0]} is missing; start with "bun run test"`,
    );
  }
}

/**
 * The runtime itself. The `deno` that npm puts on the path is a script that starts it as a child,
 * and a SIGKILL meant for the server would end that script only.
 */
function denoBinary(): string {
  const [found] = new Bun.Glob("node_modules/@deno/*/deno").scanSync(ROOT);
  return resolve(ROOT, found ?? "node_modules/@deno");
}
