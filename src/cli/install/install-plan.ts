import type { Config } from "../../config/config.ts";
import { loadConfig } from "../../config/load-config.ts";
import type { Entropy } from "../../core/ports/entropy.ts";
import { PLACES, unitFile } from "./unit-file.ts";

const SECRET_BYTES = 36;

export interface PlannedFile {
  readonly path: string;
  readonly mode: number;
  readonly text: string;
}

/** What an installation puts on a machine, and runs there. */
export interface InstallPlan {
  readonly files: readonly PlannedFile[];
  readonly commands: readonly PlannedCommand[];
  /** What the service will be told. */
  readonly config: Config;
}

export interface PlannedCommand {
  readonly words: readonly [string, ...string[]];
  /** The installation is of use without it. */
  readonly mayFail?: boolean;
}

export interface PlanOptions {
  /** What the configuration file says that is there already. */
  readonly configText: string | undefined;
  /** Where that file is when it is not at its place, but in an image. */
  readonly configPath?: string;
  readonly entropy: Entropy;
}

/** Decides what to install. Throws a `ConfigError` where the configuration that is there is wrong. */
export function planInstall({ configText, configPath, entropy }: PlanOptions): InstallPlan {
  const text = configText ?? newConfig(entropy);
  const config = configOf(text, configPath);
  return {
    config,
    files: [
      { path: PLACES.users, mode: 0o644, text: USERS },
      { path: PLACES.modes, mode: 0o644, text: MODES },
      // What is there is the operator's.
      ...(configText === undefined ? [{ path: PLACES.config, mode: 0o640, text }] : []),
      { path: PLACES.unit, mode: 0o644, text: unitFile(config) },
      { path: PLACES.sysctl, mode: 0o644, text: SYSCTL },
    ],
    commands: [
      { words: ["systemd-sysusers", PLACES.users] },
      { words: ["systemd-tmpfiles", "--create", PLACES.modes] },
      { words: ["sysctl", "-q", "-p", PLACES.sysctl], mayFail: true },
      { words: ["systemctl", "daemon-reload"] },
    ],
  };
}

/** As the service will read it: nothing of this shell's. */
function configOf(text: string, path: string = PLACES.config): Config {
  return loadConfig({ env: {}, flags: {}, cwd: PLACES.data, toml: { path, text } });
}

const USERS = `# Made by posthorn install.
u posthorn - "Posthorn" ${PLACES.data} -
`;

const MODES = `# Made by posthorn install: the configuration has secrets, which the service reads.
d /etc/posthorn 0750 root posthorn -
z ${PLACES.config} 0640 root posthorn -
`;

const SYSCTL = `# Made by posthorn install: a connection that waits to be accepted goes to the next listener of its
# port when the one it waits for closes, as at an upgrade. Otherwise it is reset.
net.ipv4.tcp_migrate_req = 1
`;

function newConfig(entropy: Entropy): string {
  return `# Every key there is: config/posthorn.toml of the documentation. posthorn check tells what is wrong.

[server]
data = "${PLACES.data}"
# The address that clients and devices know:
# public_url = "https://push.example.com"
# port = 443

# [tls]
# cert = "/etc/posthorn/cert.pem"
# key = "/etc/posthorn/key.pem"

[tokens]
# Signs the tokens of users; the backend that makes them has it too.
secret = "${entropy.token(SECRET_BYTES)}"

[api]
# The keys with which the backend may come.
keys = ["${entropy.token(SECRET_BYTES)}"]
`;
}
