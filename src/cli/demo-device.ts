import { DEV_SECRET } from "../auth/dev-devices.ts";
import { type DeviceId, parseDeviceId } from "../core/device-id.ts";
import { asUsage, parseArguments, refuseArguments } from "./arguments.ts";
import { type Command, UsageError } from "./command.ts";
import { runTerminal } from "./demo/terminal.ts";

const OPTIONS = {
  url: { type: "string" },
  id: { type: "string" },
  secret: { type: "string" },
} as const;
const URL_DEFAULT = "http://127.0.0.1:8077";
const ID_DEFAULT = "demo";

/** `posthorn demo-device`. */
export const demoDeviceCommand: Command = {
  name: "demo-device",
  summary: "Be a terminal that posts readings and obeys commands, to try things with",
  usage: `Usage: posthorn demo-device [options]

  --url URL        The server (default ${URL_DEFAULT})
  --id ID          Which device it is (default ${ID_DEFAULT})
  --secret SECRET  Its secret (default ${DEV_SECRET}, which a server with --dev takes for every device)

Posts a temperature every 2 s and obeys light {"on":true}, blink {"times":3}, ping, and fail, which
fails. Its state has "light" and "target", and it becomes what is desired. Ends on SIGTERM and SIGINT.

Where the server's certificate is of an authority of your own (posthorn cert makes such), name the
authority's file in the environment: NODE_EXTRA_CA_CERTS=ca.pem posthorn demo-device --url https://…`,
  async run(args, { clock, entropy, stdout, signal }) {
    const { values, positionals } = parseArguments(args, OPTIONS);
    refuseArguments(positionals);
    const id = parseId(values.id ?? ID_DEFAULT);
    const url = parseUrl(values.url ?? URL_DEFAULT);
    await runTerminal({
      id,
      secret: values.secret ?? DEV_SECRET,
      url,
      clock,
      entropy,
      print: (text) => stdout(`${text}\n`),
      signal: signal ?? new AbortController().signal,
    });
    return 0;
  },
};

function parseId(text: string): DeviceId {
  return asUsage(() => parseDeviceId(text));
}

/** The server's address without a slash at its end. */
function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isUsable = url !== undefined && /^https?:$/.test(url.protocol) && url.search === "";
  if (isUsable) return url.href.replace(/[#/]+$/, "");
  throw new UsageError(
    `Cannot use --url: got ${JSON.stringify(text)}, wanted something like ${URL_DEFAULT}`,
  );
}
