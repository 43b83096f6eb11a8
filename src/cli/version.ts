import { VERSION } from "../version.ts";
import { parseArguments, refuseArguments } from "./arguments.ts";
import type { Command } from "./command.ts";

/** `posthorn version`. */
export const versionCommand: Command = {
  name: "version",
  summary: "Print the version",
  usage: `Usage: posthorn version [--json]

  --json  Print {"version"}`,
  async run(args, { stdout }) {
    const { values, positionals } = parseArguments(args, { json: { type: "boolean" } });
    refuseArguments(positionals);
    stdout(values.json ? `${JSON.stringify({ version: VERSION })}\n` : `posthorn ${VERSION}\n`);
    return 0;
  },
};
