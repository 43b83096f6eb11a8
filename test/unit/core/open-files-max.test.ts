import { expect, test } from "bun:test";
import { parseOpenFilesMax } from "../../../src/core/open-files-max.ts";

const HEAD = "Limit                     Soft Limit           Hard Limit           Units\n";

test.each([
  ["Max open files            1024                 524288               files", 1024],
  ["Max open files            unlimited            unlimited            files", undefined],
  ["Max processes             127231               127231               processes", undefined],
])("parseOpenFilesMax() reads the soft limit of %j", (line, wanted) => {
  expect(parseOpenFilesMax(`${HEAD}${line}\n`)).toBe(wanted);
});
