import { runCliOk } from "./cli.ts";
import { Nginx } from "./nginx.ts";
import type { Posthorn } from "./posthorn.ts";
import type { Target } from "./targets.ts";

/** Stands in the printed text for the port, which nginx gets later. */
const PORT = 65_123;

/** How clients call it, whatever port it gets. */
export const PRINTED_URL = { http: `http://localhost:${PORT}`, https: `https://localhost:${PORT}` };

/** Starts nginx with what `posthorn proxy nginx` prints for a server. */
export async function startPrintedNginx(
  target: Target,
  server: Posthorn,
  tls?: { readonly cert: string; readonly key: string },
): Promise<Nginx> {
  const { workspace } = server;
  const args = ["proxy", "nginx", "--upstream", `127.0.0.1:${server.port}`];
  const files = tls === undefined ? [] : ["--cert", tls.cert, "--key", tls.key];
  const printed = await runCliOk(target, [...args, ...files], { workspace });
  return Nginx.start(workspace, (port) =>
    printed
      .replace(/^ *listen \[::\].*\n/gm, "")
      .replaceAll(`listen ${PORT}`, `listen 127.0.0.1:${port}`),
  );
}
