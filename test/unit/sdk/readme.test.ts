import { describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "../../..");

/** What a page and WeChat bring along. */
const SURROUNDINGS = `
declare const wx: any;
declare const require: { (path: "./lib/posthorn.miniprogram.js"): typeof import("./lib/posthorn.miniprogram.js") };
declare const page: { setData(data: object): void };
`;

/** The part of the README for who writes a mini-program: from its heading to the next. */
async function partOf(readme: string, heading: string): Promise<string> {
  const text = await Bun.file(resolve(ROOT, readme)).text();
  const part = text.split(/^(?=### )/m).find((it) => it.startsWith(`### ${heading}\n`));
  if (part === undefined) throw new Error(`Cannot find ${heading} in ${readme}`);
  return part;
}

/** All code of that part as one script, first what others use; what is said between the lines comes last. */
function scriptOf(part: string) {
  const blocks = [...part.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
  const prose = part.replace(/^```\w+\n[\s\S]*?^```$/gm, "");
  const spans = [...prose.matchAll(/`((?:posthorn|kiosk)\.\w+\([^`]+)`/g)].map(
    ([, span = ""]) => span,
  );
  const lines = spans.map((span) => `${span.replaceAll("…", "undefined")};`);
  const code = [...blocks.toReversed(), ...lines].join("\n").replaceAll("this.", "page.");
  return { blocks, spans, script: `async function app() {\n${code}\n}\nvoid app;\n` };
}

/** What the compiler says of a script beside the SDK's own types; nothing when all is well. */
async function complaintsOf(script: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "posthorn-readme-"));
  try {
    await mkdir(join(folder, "lib"));
    const types = await Bun.file(join(ROOT, "src/sdk/posthorn.d.ts")).text();
    // What a device answers is between it and the page.
    const answers = types.replace("): Promise<unknown>;", "): Promise<any>;");
    await writeFile(join(folder, "lib/posthorn.miniprogram.d.ts"), answers);
    await writeFile(join(folder, "surroundings.d.ts"), SURROUNDINGS);
    await writeFile(join(folder, "app.js"), script);
    const options = "--noEmit --allowJs --checkJs --strict --noImplicitAny false --target es2017";
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    const child = Bun.spawn(
      [process.execPath, tsc, ...options.split(" "), "--types", "", "surroundings.d.ts", "app.js"],
      { cwd: folder, stdout: "pipe", stderr: "inherit" },
    );
    const [said] = await Promise.all([new Response(child.stdout).text(), child.exited]);
    return said;
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe.each([
  ["README.md", "A mini-program listens"],
  ["README.zh-CN.md", "小程序收听"],
])("%s, %s", (readme, heading) => {
  test("has only code that fits the types of the SDK", async () => {
    const { blocks, spans, script } = scriptOf(await partOf(readme, heading));
    expect(blocks).toHaveLength(2);
    expect(spans.length).toBeGreaterThanOrEqual(2);
    expect(await complaintsOf(script)).toBe("");
  });

  test("takes back all that a page listens to", async () => {
    const { blocks } = scriptOf(await partOf(readme, heading));
    const [first = ""] = blocks;
    const [, stopped = ""] = /const stops = \[([\s\S]*?)^\];/m.exec(first) ?? [];
    const listened = first.match(/\.on\(/g) ?? [];
    expect(listened.length).toBeGreaterThan(0);
    expect(stopped.match(/\.on\(/g)).toHaveLength(listened.length);
  });
});

test("code that does not fit the types of the SDK is found", async () => {
  const script = `
    const { createPosthorn } = require("./lib/posthorn.miniprogram.js");
    createPosthorn({ url: "wss://push.example.com" }).on("problem", () => undefined);
  `;
  expect(await complaintsOf(script)).toContain("Argument of type '\"problem\"' is not assignable");
});
