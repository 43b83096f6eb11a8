import { parseIp } from "../core/ip-address.ts";
import { onlyArgument, parseArguments } from "./arguments.ts";
import { type Command, UsageError } from "./command.ts";
import { apacheConfig } from "./proxies/apache.ts";
import { caddyConfig } from "./proxies/caddy.ts";
import { nginxConfig } from "./proxies/nginx.ts";
import { type ProxySetup, proxySetupOf } from "./proxies/setup.ts";
import { readConfig } from "./read-config.ts";

const OPTIONS = {
  config: { type: "string" },
  cert: { type: "string" },
  key: { type: "string" },
  upstream: { type: "string" },
  from: { type: "string" },
} as const;

/** `posthorn proxy`. */
export const proxyCommand: Command = {
  name: "proxy",
  summary: "Print the configuration of a reverse proxy in front of this server",
  usage: `Usage: posthorn proxy nginx|caddy|apache [options]

  --config FILE         The configuration file (default ./posthorn.toml, else /etc/posthorn/posthorn.toml)
  --cert FILE           The proxy's certificate, with its intermediates, and
  --key FILE            its private key (default those of certbot; Caddy gets one by itself)
  --upstream HOST:PORT  Where the proxy reaches Posthorn (default: where it listens, on the same machine)
  --from ADDRESS        The proxy's own address, where it is another machine

Name, port and path are those of server.public_url, bounds and times those of limits. What posthorn.toml has
to say for it is in the comment at the head.`,
  async run(args, context) {
    const { values, positionals } = parseArguments(args, OPTIONS);
    const name = onlyArgument(`a proxy: ${Object.keys(PROXIES).join(", ")}`, positionals);
    const print = new Map<string, Printer>(Object.entries(PROXIES)).get(name);
    if (print === undefined) {
      const known = Object.keys(PROXIES).join(", ");
      throw new UsageError(`Cannot print ${JSON.stringify(name)}: known are ${known}`);
    }
    const { config: file, ...wishes } = values;
    checkWishes(wishes);
    const { config } = await readConfig(context, { config: file });
    context.stdout(print(proxySetupOf(config, wishes), wishes.cert !== undefined));
    return 0;
  },
};

type Printer = (setup: ProxySetup, hasOwnCertificate: boolean) => string;

const PROXIES = {
  nginx: nginxConfig,
  caddy: caddyConfig,
  apache: apacheConfig,
} as const satisfies Readonly<Record<string, Printer>>;

interface Wishes {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly upstream?: string | undefined;
  readonly from?: string | undefined;
}

function checkWishes({ cert, key, upstream, from }: Wishes): void {
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError("Cannot use a certificate without its key: wanted both --cert and --key");
  }
  if (upstream !== undefined && !/^(?:[\w.-]+|\[[\da-f:.]+\]):\d{1,5}$/i.test(upstream)) {
    const wanted = "wanted a host and a port, such as 10.0.0.2:8077";
    throw new UsageError(`Cannot use --upstream ${JSON.stringify(upstream)}: ${wanted}`);
  }
  if (from !== undefined && parseIp(from) === undefined) {
    const wanted = "wanted an address, such as 10.0.0.1";
    throw new UsageError(`Cannot use --from ${JSON.stringify(from)}: ${wanted}`);
  }
  if ([cert, key].some((path) => path !== undefined && /[\0\r\n]/.test(path))) {
    throw new UsageError("Cannot use a path with line ends in it");
  }
}
