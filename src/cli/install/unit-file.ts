import { dirname } from "node:path";
import type { Config } from "../../config/config.ts";

/** Where everything goes on a machine; `posthorn install --root` puts a directory in front. */
export const PLACES = {
  executable: "/usr/local/bin/posthorn",
  config: "/etc/posthorn/posthorn.toml",
  unit: "/etc/systemd/system/posthorn.service",
  users: "/etc/sysusers.d/posthorn.conf",
  modes: "/etc/tmpfiles.d/posthorn.conf",
  sysctl: "/etc/sysctl.d/60-posthorn.conf",
  data: "/var/lib/posthorn",
} as const;

/** Beside the clients: devices, the backend, the store, and a server that is taken over meanwhile. */
const MORE_FILES = 65_536;
/** Linux gives no process more (`fs.nr_open`), and systemd would not start one that asks for more. */
const FILES_MAX = 1_048_576;
/** What the end of the process itself may take, after the drain. */
const STOP_MORE_S = 10;
const PRIVILEGED_PORTS_END = 1024;
const BIND = "CAP_NET_BIND_SERVICE";

/**
 * The unit of systemd that serves this configuration.
 *
 * It has a user of its own, not a dynamic one: `posthorn backup`, `device add` and certificates that a
 * group may read need somebody to whom files can belong.
 */
export function unitFile(config: Config): string {
  return `# Made by posthorn install, which writes it anew. Changes of yours: systemctl edit posthorn
[Unit]
Description=Posthorn: terminals post over HTTP, mini-program users listen over wss
Wants=network-online.target
After=network-online.target
# It is tried for ever: what is missing, such as room on the disk, may come back.
StartLimitIntervalSec=0

[Service]
Type=notify
# A new process that takes over tells that it is the main one now (SIGUSR2).
NotifyAccess=all
ExecStart=${PLACES.executable} serve --config ${PLACES.config}
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=2
# A configuration that is wrong does not mend itself.
RestartPreventExitStatus=2
KillMode=mixed
TimeoutStartSec=120
TimeoutStopSec=${Math.ceil(config.limits.drainTimeoutMs / 1000) + STOP_MORE_S}
LimitNOFILE=${Math.min(2 * config.limits.clientsMax + MORE_FILES, FILES_MAX)}

User=posthorn
Group=posthorn
StateDirectory=posthorn
StateDirectoryMode=0700
WorkingDirectory=${PLACES.data}
${writablePaths(config)}UMask=0077
# These could have the runtime load what is none of ours.
UnsetEnvironment=BUN_OPTIONS BUN_BE_BUN BUN_INSPECT BUN_CONFIG_VERBOSE_FETCH NODE_OPTIONS LD_PRELOAD LD_LIBRARY_PATH

${hardening(config)}
[Install]
WantedBy=multi-user.target
`;
}

function writablePaths({ store }: Config): string {
  if (store.location === "memory") return "";
  const directory = dirname(store.location.file);
  return directory === PLACES.data ? "" : `ReadWritePaths=${directory}\n`;
}

function hardening({ server }: Config): string {
  const ports = [server.port, server.httpPort, server.devicesPort];
  const isPrivileged = ports.some((port) => port !== undefined && isPrivilegedPort(port));
  // Within a user namespace of its own it could not listen there.
  const capabilities = isPrivileged
    ? `# Ports below ${PRIVILEGED_PORTS_END} are configured.\nCapabilityBoundingSet=${BIND}\nAmbientCapabilities=${BIND}`
    : "CapabilityBoundingSet=\nAmbientCapabilities=\nPrivateUsers=yes";
  return `NoNewPrivileges=yes
${capabilities}
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RemoveIPC=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
# The runtime compiles while it runs, into memory that it writes and executes.
MemoryDenyWriteExecute=no
`;
}

/** 0 lets the system choose, which chooses others. */
function isPrivilegedPort(port: number): boolean {
  return port > 0 && port < PRIVILEGED_PORTS_END;
}
