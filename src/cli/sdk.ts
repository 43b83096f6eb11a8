import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { SDK_FILES } from "../sdk/generated/sdk-files.ts";
import { parseArguments, refuseArguments } from "./arguments.ts";
import { type Command, UsageError } from "./command.ts";
import { explainIo } from "./io-errors.ts";

const OPTIONS = { out: { type: "string" }, json: { type: "boolean" } } as const;

/** `posthorn sdk`. */
export const sdkCommand: Command = {
  name: "sdk",
  summary: "Write the client for mini-programs and browsers",
  usage: `Usage: posthorn sdk --out DIR [--json]

  --out DIR  Where the files are written; what has their names is replaced
  --json     Print their paths as a list

posthorn.miniprogram.js is for WeChat, Alipay, Douyin, uni-app and Taro, posthorn.js for browsers; both
have their types beside them. A running server has the same files under /sdk/.`,
  async run(args, { cwd, stdout }) {
    const { values, positionals } = parseArguments(args, OPTIONS);
    refuseArguments(positionals);
    const { out, json } = values;
    if (out === undefined) throw new UsageError("Cannot write the client without --out");
    const folder = resolve(cwd, out);
    try {
      await mkdir(folder, { recursive: true });
      for (const [name, text] of Object.entries(SDK_FILES)) {
        await writeFile(join(folder, name), text);
      }
    } catch (cause) {
      throw new Error(`Cannot write to ${folder}: ${explainIo(cause)}`, { cause });
    }
    const paths = Object.keys(SDK_FILES).map((name) => join(out, name));
    stdout(json ? `${JSON.stringify(paths)}\n` : `Wrote ${paths.join(", ")}\n`);
    return 0;
  },
};
