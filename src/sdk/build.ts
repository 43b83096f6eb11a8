import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";
import { trimCentrifuge } from "./trim-centrifuge.ts";

const HERE = import.meta.dirname;

const COMMON: BuildOptions = {
  bundle: true,
  minify: true,
  // Older phones know nothing newer, and what they do not know ends the whole app.
  target: "es2017",
  charset: "utf8",
  legalComments: "none",
  plugins: [trimCentrifuge],
  banner: { js: "/*! Posthorn client, MIT. Contains centrifuge-js (MIT) and events (MIT). */" },
  // Only inner names start like this, here and in the packages; the wire knows none.
  mangleProps: /^_[a-z]/,
};

/** Makes the files that apps take in: one per kind of platform, with its types beside it. */
export async function buildSdk(outFolder: string): Promise<void> {
  await mkdir(outFolder, { recursive: true });
  await build({
    ...COMMON,
    entryPoints: [join(HERE, "miniprogram.ts")],
    outfile: join(outFolder, "posthorn.miniprogram.js"),
    format: "cjs",
    platform: "neutral",
    mainFields: ["module", "main"],
    // Phones lack it, and what is looked up in it they lack too.
    banner: { js: `${COMMON.banner?.["js"]}\nvar posthornGlobals={Promise:Promise};` },
    define: { globalThis: "posthornGlobals" },
  });
  await build({
    ...COMMON,
    entryPoints: [join(HERE, "browser.ts")],
    outfile: join(outFolder, "posthorn.js"),
    format: "esm",
    platform: "browser",
  });
  for (const name of ["posthorn.d.ts", "posthorn.miniprogram.d.ts"]) {
    await copyFile(join(HERE, "posthorn.d.ts"), join(outFolder, name));
  }
}
