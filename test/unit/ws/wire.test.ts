import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseScript, playScript } from "../../support/wire-script.ts";

const FOLDER = join(import.meta.dir, "../../wire");
const files = readdirSync(FOLDER).filter((name) => name.endsWith(".jsonl"));

for (const file of files) {
  test(`${file} goes over the wire byte for byte`, async () => {
    const script = readFileSync(join(FOLDER, file), "utf8");
    expect(await playScript(parseScript(script))).toBe(script);
  });
}

test("test/wire covers the protocol", () => {
  // A reader that reads nothing must not be green.
  expect(files.length).toBeGreaterThan(30);
});
