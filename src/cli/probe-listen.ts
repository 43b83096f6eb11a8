import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { createServer } from "node:net";
import type { Config } from "../config/config.ts";
import type { Finding } from "./checks.ts";
import { dialAddress } from "./dial-address.ts";
import { codeOf, explainIo } from "./io-errors.ts";

const ANSWER_MAX_MS = 2_000;
const ANSWER_MAX_CHARS = 1_000;

/** Whether a server could listen where it is to, or does already. */
export async function probeListen({ server, tls }: Config): Promise<Finding[]> {
  const { host, port } = server;
  const where = `${host} port ${port}, ${tls === undefined ? "http and ws" : "https and wss"}`;
  const failure = await tryListen(host, port);
  if (failure === undefined) return [{ status: "ok", found: where }];
  // Also where only the service has the right to listen, and does.
  const url = `${tls === undefined ? "http" : "https"}://${dialAddress(host)}:${port}/healthz`;
  if (/EADDRINUSE|EACCES/.test(codeOf(failure) ?? "") && (await isPosthorn(url))) {
    return [{ status: "ok", found: `${where}: Posthorn runs there` }];
  }
  const found = `${where}: ${explainIo(failure)}`;
  if (codeOf(failure) === "EADDRINUSE") {
    const remedy = "End what listens there, or change server.port";
    return [{ status: "warn", found, remedy }];
  }
  const remedy =
    codeOf(failure) === "EACCES"
      ? "Allow ports below 1024 (AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit) or change server.port"
      : 'Change server.host: "0.0.0.0" is every IPv4 address of this machine';
  return [{ status: "fail", found, remedy }];
}

/** What keeps this machine from listening there for a moment, or undefined when nothing does. */
function tryListen(host: string, port: number): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen({ host, port }, () => server.close(() => resolve(undefined)));
  });
}

/**
 * Whether what listens there says of its health what Posthorn says. Not by `fetch`: the certificate
 * is not for the address, which is no matter between a machine and itself.
 */
function isPosthorn(url: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const no = () => resolve(false);
  const request = url.startsWith("https:") ? requestHttps : requestHttp;
  const signal = AbortSignal.timeout(ANSWER_MAX_MS);
  const asked = request(url, { rejectUnauthorized: false, agent: false, signal }, (answer) => {
    let text = "";
    answer.setEncoding("utf8");
    answer.on("data", (chunk: string) => {
      text += chunk;
      if (text.length > ANSWER_MAX_CHARS) asked.destroy();
    });
    answer.on("end", () =>
      resolve(answer.statusCode === 200 && /^\{"status":"ok","server_time":\d+\}$/.test(text)),
    );
    answer.on("error", no).on("close", no);
  });
  // Whatever keeps it from answering so: it is not Posthorn, or one that needs a look.
  asked.on("error", no).on("close", no);
  asked.end();
  return promise;
}
