import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildSdk } from "./build.ts";

/** Out of version control: `bun install` makes it. */
const FOLDER = join(import.meta.dirname, "generated");

const FILES = [
  "posthorn.js",
  "posthorn.d.ts",
  "posthorn.miniprogram.js",
  "posthorn.miniprogram.d.ts",
] as const;

/** Builds the files and a module that holds their texts, so that one executable is the whole product. */
async function embedSdk(): Promise<void> {
  await buildSdk(FOLDER);
  const entries = await Promise.all(
    FILES.map(async (name) => {
      const text = await readFile(join(FOLDER, name), "utf8");
      return `  ${JSON.stringify(name)}: ${JSON.stringify(text)},\n`;
    }),
  );
  const source = `/** Made by embed.ts: the client's files, by name. */\nexport const SDK_FILES: Readonly<Record<string, string>> = {\n${entries.join("")}};\n`;
  await writeFile(join(FOLDER, "sdk-files.ts"), source);
}

await embedSdk();
