import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const FOLDER = resolve(import.meta.dir, "../../config/demo");

/** "From zero to a phone", by the language of its remedies. */
export const PHONE_GUIDES = { en: "from-zero-to-a-phone.md", zh: "from-zero-to-a-phone.zh-CN.md" };

interface Block {
  /** `sh`, `toml`, `js`, `text`. */
  readonly kind: string;
  readonly text: string;
}

/** One of its parts, from a heading to the next. */
interface Part {
  readonly heading: string;
  readonly blocks: readonly Block[];
  /** The cells of all rows of tables, also of their heads. */
  readonly rows: readonly (readonly string[])[];
}

export interface PhoneGuide {
  readonly parts: readonly Part[];
  /** Where its links of this repository lead: absolute paths. */
  readonly links: readonly string[];
  readonly text: string;
}

export function readPhoneGuide(language: keyof typeof PHONE_GUIDES): PhoneGuide {
  const text = readFileSync(resolve(FOLDER, PHONE_GUIDES[language]), "utf8");
  const links = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, path = ""]) => path);
  return {
    text,
    parts: text
      .split(/^(?=## )/m)
      .slice(1)
      .map(partOf),
    links: links.map((path) => resolve(FOLDER, path)),
  };
}

function partOf(text: string): Part {
  const blocks = [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)];
  const prose = text.replace(/^```\w+\n[\s\S]*?^```$/gm, "");
  return {
    heading: text.split("\n", 1)[0] ?? "",
    blocks: blocks.map(([, kind = "", block = ""]) => ({ kind, text: block })),
    rows: [...prose.matchAll(/^\|(.*)\|$/gm)]
      .map(([, row = ""]) => row.split("|").map((cell) => cell.trim()))
      .filter(([first = ""]) => !/^-+$/.test(first)),
  };
}
