import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join, posix, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "../..");

/** The table of ARCHITECTURE.md is the law: what each layer may import besides itself. */
const LAYERS = await readLayers();

/** The packages each layer may use; one layer per package keeps it replaceable. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  protocol: ["zod"],
  acme: ["jose", "zod"],
  auth: ["jose", "zod"],
  callbacks: ["zod"],
  ws: ["fossil-delta"],
  http: ["hono"],
  openapi: ["zod"],
  login: ["zod"],
  telemetry: ["prom-client"],
  sdk: ["centrifuge", "esbuild"],
  runtime: ["bun:ffi"],
  tls: ["@peculiar/x509", "reflect-metadata"],
  config: ["zod", "smol-toml", "fastest-levenshtein"],
};

/** The layers that know nothing of any runtime, so that not even `node:` modules are theirs. */
const PURE = new Set(["core", "protocol"]);

/** These stand above the layers and may import everything; no layer may import them. */
const ABOVE = new Set(["cli", "compose", "compose.ts", "main.ts", "version.ts"]);

const SPECIFIER = /\bfrom "([^"]+)"|^import "([^"]+)"|\bimport\("([^"]+)"\)/gm;

describe("architecture", () => {
  test("the table of layers was found", () => {
    expect([...LAYERS.keys()]).toContain("core");
    expect(LAYERS.get("core")).toEqual([]);
    expect(LAYERS.size).toBeGreaterThan(8);
  });

  for (const [layer, layers] of LAYERS) {
    test(`src/${layer} imports only what its layer may`, async () => {
      const files = filesOf(`src/${layer}`);
      const packages = (PACKAGES[layer] ?? []).map((name) => `npm:${name}`);
      const allowed = new Set([layer, ...layers, ...packages]);
      const strays = (await importsOf(files)).filter(
        ({ target }) => !allowed.has(target) && !(target === "node" && !PURE.has(layer)),
      );
      expect(strays.map(({ file, target }) => `${file} -> ${target}`)).toEqual([]);
      expect(files.length).toBeGreaterThan(0); // a checker that reads nothing must not be green
    });
  }

  test("src has no folder or file that the table of layers does not know", () => {
    const tops = new Set(filesOf("src").map((file) => file.split("/")[1] ?? ""));
    expect([...tops].filter((top) => !LAYERS.has(top) && !ABOVE.has(top))).toEqual([]);
  });

  test("only src/runtime names Bun or Deno", async () => {
    const outside = filesOf("src").filter((file) => !file.startsWith("src/runtime/"));
    const naming: string[] = [];
    for (const file of outside) {
      const code = withoutComments(await textOf(file));
      if (/\b(Bun|Deno)\s*[.[]|globalThis\.(Bun|Deno)|from "bun(:[a-z]+)?"/.test(code)) {
        naming.push(file);
      }
    }
    expect(naming).toEqual([]);
    expect(outside.length).toBeGreaterThan(0);
  });

  test("no file in src reads process but main.ts", async () => {
    const reading: string[] = [];
    for (const file of filesOf("src")) {
      if (file === "src/main.ts") continue;
      const code = withoutComments(await textOf(file));
      if (/(?<![.\w"'])process\.[a-z]|from "node:process"/.test(code)) reading.push(file);
    }
    expect(reading).toEqual([]);
  });

  test("no file in src exceeds 300 lines", async () => {
    const lengths = await Promise.all(
      filesOf("src").map(async (file) => ({
        file,
        lines: (await textOf(file)).split("\n").length,
      })),
    );
    expect(lengths.filter(({ lines }) => lines > 301)).toEqual([]);
  });
});

interface Import {
  readonly file: string;
  /** A layer, `node`, or `npm:` and a package. */
  readonly target: string;
}

async function importsOf(files: readonly string[]): Promise<Import[]> {
  const imports: Import[] = [];
  for (const file of files) {
    for (const match of (await textOf(file)).matchAll(SPECIFIER)) {
      const specifier = match[1] ?? match[2] ?? match[3] ?? "";
      imports.push({ file, target: targetOf(file, specifier) });
    }
  }
  return imports;
}

function targetOf(file: string, specifier: string): string {
  if (specifier.startsWith("node:")) return "node";
  if (!specifier.startsWith(".")) {
    const parts = specifier.split("/");
    return `npm:${specifier.startsWith("@") ? parts.slice(0, 2).join("/") : parts[0]}`;
  }
  const path = posix.join(posix.dirname(file), specifier);
  return path.split("/")[1] ?? path;
}

/** The first and the last column of every row that names one layer, in the document's order. */
async function readLayers(): Promise<ReadonlyMap<string, readonly string[]>> {
  const document = await textOf("ARCHITECTURE.md");
  const rows = document.matchAll(/^\| `src\/([a-z]+)\/[^`]*` \|.*\| ([^|]+) \|$/gm);
  const layers = [...rows].map(([, layer = "", column = ""]): [string, string[]] => [
    layer,
    column.split(", ").filter((name) => name !== "itself" && name !== "–" && name !== "zod"),
  ]);
  return new Map(layers);
}

function filesOf(folder: string): string[] {
  const absolute = join(ROOT, folder);
  if (!existsSync(absolute)) return [];
  return [...new Bun.Glob("**/*.ts").scanSync(absolute)].map((file) => `${folder}/${file}`);
}

function textOf(file: string): Promise<string> {
  return Bun.file(join(ROOT, file)).text();
}

function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
}
