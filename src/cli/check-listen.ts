import { createServer } from "node:net";
import type { Config } from "../config/config.ts";
import type { Finding } from "./checks.ts";
import { dialAddress } from "./dial-address.ts";
import { codeOf, explainIo } from "./io-errors.ts";
import { isPosthorn } from "./is-posthorn.ts";

interface Address {
  readonly key: "port" | "http_port" | "devices_port";
  readonly port: number;
  readonly scheme: "http" | "https";
  readonly what: string;
}

/** Listens for a moment wherever a start would. */
export async function probeListen({ server, tls }: Config): Promise<Finding[]> {
  const { host, port, httpPort, devicesPort } = server;
  const main: Address =
    tls === undefined
      ? { key: "port", port, scheme: "http", what: "http and ws" }
      : { key: "port", port, scheme: "https", what: "https and wss" };
  const more: Address[] = [];
  if (httpPort !== undefined) {
    more.push({ key: "http_port", port: httpPort, scheme: "http", what: "plain http" });
  }
  if (devicesPort !== undefined) {
    more.push({
      key: "devices_port",
      port: devicesPort,
      scheme: "https",
      what: "https for devices",
    });
  }
  const first = probeAddress(host, main, async () => false);
  // At devices_port one needs a certificate, which nobody has here: Posthorn is known by its main port.
  const runs = async () => (await first).found.endsWith(OURS);
  return Promise.all([first, ...more.map((address) => probeAddress(host, address, runs))]);
}

const OURS = ": Posthorn runs there";

async function probeAddress(
  host: string,
  { key, port, scheme, what }: Address,
  runs: () => Promise<boolean>,
): Promise<Finding> {
  const where = `${host} port ${port}, ${what}`;
  const failure = await tryListen(host, port);
  if (failure === undefined) return { status: "ok", found: where };
  // Also where only the service has the right to listen, and does.
  const url = `${scheme}://${dialAddress(host)}:${port}/healthz`;
  const isTaken = /EADDRINUSE|EACCES/.test(codeOf(failure) ?? "");
  const isOurs = async () => (key === "devices_port" ? runs() : isPosthorn(url));
  if (isTaken && (await isOurs())) return { status: "ok", found: `${where}${OURS}` };
  const found = `${where}: ${explainIo(failure)}`;
  if (codeOf(failure) === "EADDRINUSE") {
    const remedy = `End what listens there, or change server.${key}`;
    return { status: "warn", found, remedy };
  }
  const remedy =
    codeOf(failure) === "EACCES"
      ? `Allow ports below 1024 (AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit) or change server.${key}`
      : 'Change server.host: "0.0.0.0" is every IPv4 address of this machine';
  return { status: "fail", found, remedy };
}

/** What keeps this machine from listening there for a moment, or undefined when nothing does. */
function tryListen(host: string, port: number): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen({ host, port }, () => server.close(() => resolve(undefined)));
  });
}
