import { connect, type SecureVersion, type TLSSocket } from "node:tls";
import { within } from "./inbox.ts";

export interface TlsAsking {
  readonly port: number;
  /** The name to ask for; absent asks for none. */
  readonly name?: string;
  readonly maxVersion?: SecureVersion;
  /** PEM text: rejects unless one of these vouches for the name that is asked for. Absent: trusts whatever is shown. */
  readonly ca?: string;
  /** PEM texts to show. */
  readonly cert?: string;
  readonly key?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TlsAnswer {
  /** The DNS names of the certificate that was shown. */
  readonly names: readonly string[];
  readonly version: string;
  readonly status: number;
  readonly body: string;
}

/** Asks once, on a connection of its own; rejects when there is no answer. */
export async function askTls(asking: TlsAsking): Promise<TlsAnswer> {
  const { port, name = "", path = "/healthz", headers = {}, ...options } = asking;
  const lines = Object.entries(headers).map(([header, value]) => `${header}: ${value}`);
  const request = [
    `GET ${path} HTTP/1.1`,
    `Host: ${name || "x"}`,
    "Connection: close",
    ...lines,
    "",
    "",
  ].join("\r\n");
  const answered = Promise.withResolvers<TlsAnswer>();
  let received = "";
  const socket: TLSSocket = connect(
    {
      host: "127.0.0.1",
      port,
      servername: name,
      rejectUnauthorized: options.ca !== undefined,
      ...options,
    },
    () => socket.write(request),
  );
  socket.setEncoding("utf8");
  socket.on("data", (chunk) => {
    received += chunk;
  });
  socket.once("error", answered.reject);
  socket.once("close", () => {
    const [head = "", body = ""] = received.split("\r\n\r\n");
    if (head === "") answered.reject(new Error("Cannot read an answer: the connection ended"));
    answered.resolve({ ...seen, status: Number(head.split(" ")[1]), body });
  });
  let seen = { names: [] as string[], version: "" };
  socket.once("secureConnect", () => {
    const { subjectaltname = "" } = socket.getPeerCertificate();
    const names = subjectaltname.split(", ").filter((it) => it.startsWith("DNS:"));
    seen = {
      names: names.map((it) => it.slice("DNS:".length)),
      version: socket.getProtocol() ?? "",
    };
  });
  try {
    return await within(answered.promise, `the answer to ${path} over TLS`);
  } finally {
    socket.destroy();
  }
}

/** What {@link askTls} comes to, in short: the names it was shown, or that it was let down. */
export function namesShown(asking: TlsAsking): Promise<readonly string[] | "refused"> {
  return askTls(asking).then(
    ({ names }) => names,
    () => "refused",
  );
}
