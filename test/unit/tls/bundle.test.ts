import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "posthorn-bundle-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

// The source tree runs in both cases; only a bundle puts the imports of a lazy module into another order.
for (const [file, name] of [
  ["lint-certificate.ts", "lintCertificate"],
  ["make-certificates.ts", "makeCertificates"],
]) {
  test(`a bundle can load ${name}() lazily`, async () => {
    const entry = join(folder, `lazy-${file}`);
    const target = join(import.meta.dir, "../../../src/tls", `${file}`);
    await writeFile(
      entry,
      `console.log(typeof (await import(${JSON.stringify(target)})).${name});`,
    );
    const { outputs } = await Bun.build({ entrypoints: [entry], target: "bun", minify: true });
    const bundle = join(folder, `${name}.js`);
    await Bun.write(bundle, (await outputs[0]?.text()) ?? "");
    const run = Bun.spawn([process.execPath, bundle], { stdout: "pipe", stderr: "pipe" });
    expect(await new Response(run.stdout).text()).toBe("function\n");
    expect(await run.exited).toBe(0);
  });
}
