import type { Texts } from "./texts.ts";

/** What is said in English of the configuration and the machine. */
export const EN_MACHINE = {
  check_passed: { found: "{about}: {found}" },
  check_warned: {
    found: "{about}: {found}",
    why: "The server starts and some will notice (posthorn check says the same)",
    remedy: "{remedy}",
  },
  check_failed: {
    found: "{about}: {found}",
    why: "The server does not start, or not to any use (posthorn check says the same)",
    remedy: "{remedy}",
  },
  public_url_missing: {
    found: "server.public_url is not set",
    why: "Nobody can check whether the certificate covers the name that phones dial",
    remedy: 'Set it to what phones dial: server.public_url = "https://push.example.com"',
  },
  secrets_apart: { found: "{count} secrets, no two alike" },
  secrets_shared: {
    found: "{keys} are the same",
    why: "Whoever learns one has the others, and none can be changed alone",
    remedy: "Make one for each: openssl rand -base64 48",
  },
  secret_simple: {
    found: "{key} is made of few different characters",
    why: "Whoever tries finds it",
    remedy: "Make it by chance: openssl rand -base64 48",
  },
  config_private: { found: "{file} cannot be read by others" },
  config_exposed: {
    found: "{file} has secrets and can be read by every user of this machine (mode {mode})",
    why: "Any program here can take the keys of all devices and users",
    remedy: "Run: chmod o= {file}",
  },
  disk_roomy: { found: "{free} free of {total} where the data is" },
  disk_small: {
    found: "Only {free} free of {total} where the data is",
    why: "When the disk is full nothing is stored, and posts are refused",
    remedy: "Make room, or move server.data to a larger disk",
  },
  disk_full: {
    found: "{free} free of {total} where the data is",
    why: "Nothing can be stored: posts are refused",
    remedy: "Make room now, or move server.data to a larger disk",
  },
  files_enough: { found: "{limit} files may be open {where}; {wanted} are enough" },
  files_few: {
    found: "{limit} files may be open {where}, limits.clients_max wants {wanted}",
    why: "A server that runs out of them takes no more connections and burns a core",
    remedy:
      "LimitNOFILE={wanted} in the systemd unit (ulimit -n in a shell), or lower limits.clients_max",
  },
  clock_wrong: {
    found: "This machine's clock says {now}",
    why: "Certificates and tokens fail by it",
    remedy: "Set it and keep it: timedatectl set-ntp true",
  },
  clock_kept: { found: "The clock is kept by {keeper}" },
  clock_unkept: {
    found: "Nothing seems to keep the clock right",
    why: "It drifts; tokens and tickets then end too early or too late",
    remedy:
      "timedatectl set-ntp true, or install chrony; nothing, when the host of this machine does it",
  },
  environment_clean: { found: "No variable of the environment changes the program" },
  environment_odd: {
    found: "The variable {name} is set; it {effect}",
    why: "It reaches into the server past its configuration",
    remedy: "Unset it; in the systemd unit: UnsetEnvironment={name}",
  },
  handover_kept: {
    found: "net.ipv4.tcp_migrate_req is on: a renewed certificate costs no connection",
  },
  handover_resets: {
    found: "net.ipv4.tcp_migrate_req is off",
    why: "When a renewed certificate is taken over, a few connections that are just beginning are reset",
    remedy: "sysctl -w net.ipv4.tcp_migrate_req=1, and the same in /etc/sysctl.d/posthorn.conf",
  },
  data_exposed: {
    found: "{path} can be read by every user of this machine (mode {mode})",
    why: "It has the secrets of devices (hashed) and everything they posted",
    remedy: "Run: chmod o= {path}",
  },
  store_unwritable: {
    found: "{path} cannot be written: {reason}",
    why: "The server does not start",
    remedy: "Run: chown -R <the user that runs Posthorn> {path}; or change server.data",
  },
  store_none: { found: "No store yet: {file} is made at the first start" },
  store_served: { found: "A server has {file} in use" },
  store_free: { found: "No server has {file} in use" },
  store_sound: { found: "{file} is sound ({size})" },
  store_damaged: {
    found: "{file} is damaged: {reason}",
    why: "What is stored there may be lost, and the server may not start",
    remedy: "Stop the server and restore the file from a backup; keep the damaged one",
  },
  store_large: { found: "{file} was not read through: it has {size}" },
} as const satisfies Partial<Texts>;
