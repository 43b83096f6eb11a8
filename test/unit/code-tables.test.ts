import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { DISCONNECT, ERROR, RPC_ERROR, UNSUBSCRIBE } from "../../src/protocol/codes.ts";

const SRC = resolve(import.meta.dir, "../../src");

const FILES = [...new Bun.Glob("**/*.ts").scanSync(SRC)];
const TEXTS = new Map(
  await Promise.all(FILES.map(async (file) => [file, await textOf(file)] as const)),
);

/** Where a code is only told of; everywhere else it is used. */
const FAULTS_FILE = "core/faults.ts";

describe("every code that the outside may meet", () => {
  test.each(Object.entries({ DISCONNECT, ERROR, RPC_ERROR, UNSUBSCRIBE }))(
    "of %s is used somewhere",
    (table, codes) => {
      const unused = Object.keys(codes).filter(
        (name) => !isUsed(new RegExp(`\\b${table}\\.${name}\\b`)),
      );
      expect(unused).toEqual([]);
    },
  );

  test("of the faults is used somewhere", () => {
    const table = TEXTS.get(FAULTS_FILE) ?? "";
    const codes = [...table.matchAll(/^ {2}(\w+): \{ kind: /gm)].map(([, code = ""]) => code);
    expect(codes.length).toBeGreaterThan(40);
    expect(codes.filter((code) => !isUsed(new RegExp(`"${code}"`), FAULTS_FILE))).toEqual([]);
  });
});

function isUsed(pattern: RegExp, exceptIn?: string): boolean {
  return [...TEXTS].some(([file, text]) => file !== exceptIn && pattern.test(text));
}

function textOf(file: string): Promise<string> {
  return Bun.file(resolve(SRC, file)).text();
}
