import { VERSION } from "../version.ts";
import { parseArguments, refuseArguments } from "./arguments.ts";
import type { Command } from "./command.ts";

/** `posthorn openapi`. */
export const openApiCommand: Command = {
  name: "openapi",
  summary: "Print the OpenAPI document of the HTTP routes",
  usage: `Usage: posthorn openapi

  The same document that a server has at /openapi.json.`,
  async run(args, { stdout }) {
    refuseArguments(parseArguments(args, {}).positionals);
    // Loaded only where it is wanted: its schemas cost time at every start.
    const { describeApi } = await import("../openapi/describe-api.ts");
    stdout(`${describeApi(VERSION, 2)}\n`);
    return 0;
  },
};
