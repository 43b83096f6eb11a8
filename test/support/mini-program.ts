import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Phone } from "./fake-wx/phone.ts";

/** The demo for WeChat, as a developer imports it. */
export const MINI_PROGRAM = resolve(import.meta.dir, "../../config/demo/miniprogram");

/** Where `posthorn sdk --out` puts the client. */
export const SDK_PLACE = "lib/posthorn.miniprogram.js";

/** The demo's own code: what `posthorn sdk --out` wrote beside it is a developer's. */
export function scriptsOfMiniProgram(): readonly string[] {
  const names = [...new Bun.Glob("**/*.js").scanSync(MINI_PROGRAM)];
  return names.filter((name) => !name.startsWith("lib/"));
}

/** A page's own functions, and those that every page has. */
export interface OpenPage {
  readonly data: Readonly<Record<string, unknown>>;
  readonly [name: string]: unknown;
}

export interface MiniProgramOptions {
  /** Text of files that are not there, or that are to be others. */
  readonly files: Readonly<Record<string, string>>;
  /** What `wx` can do here beside sockets. */
  readonly wx?: Readonly<Record<string, unknown>>;
}

interface Loaded {
  start(wx: Readonly<Record<string, unknown>>): void;
  page(path: string): Readonly<Record<string, unknown>>;
}

/** The pages that `app.json` names. */
export function pagesOfMiniProgram(): readonly string[] {
  return JSON.parse(readMiniProgram("app.json")).pages;
}

export function readMiniProgram(name: string): string {
  return readFileSync(join(MINI_PROGRAM, name), "utf8");
}

/**
 * The demo on a fake phone, as far as its code goes: `App`, `Page`, `getApp`, `require`, `setData` with
 * paths. Nothing is drawn: tests look at what a page has to show, and call what a tap would.
 */
export class MiniProgram implements Disposable {
  readonly phone = new Phone();
  /** Where the app went, by the title of the page. */
  title = "";
  readonly #loaded: Loaded;

  constructor({ files, wx = {} }: MiniProgramOptions) {
    const own = Object.fromEntries(
      scriptsOfMiniProgram().map((name) => [name, readMiniProgram(name)]),
    );
    this.#loaded = this.phone.launch<Loaded>(bundle({ ...own, ...files }));
    this.#loaded.start({
      getAppBaseInfo: () => ({ language: "en" }),
      setNavigationBarTitle: ({ title }: { readonly title: string }) => {
        this.title = title;
      },
      request,
      ...wx,
    });
  }

  /** Opens a page as a tap on a link to it does. */
  open(path: string, query: Readonly<Record<string, string>> = {}): OpenPage {
    const page = new FakePage(this.#loaded.page(path)) as FakePage & OpenPage;
    for (const [step, value] of [
      ["onLoad", query],
      ["onShow", undefined],
    ] as const) {
      call(page, step, value);
    }
    return page;
  }

  [Symbol.dispose](): void {
    this.phone[Symbol.dispose]();
  }
}

/** Calls a function of the page, if it has it: what a tap, or the system, would call. */
export function call(page: OpenPage, name: string, value?: unknown): unknown {
  const run = page[name];
  return typeof run === "function" ? run.call(page, value) : undefined;
}

class FakePage {
  data: Record<string, unknown>;

  constructor({ data, ...own }: Readonly<Record<string, unknown>>) {
    // What a page shows is a copy, whatever the code does with its own.
    this.data = copy(data) as Record<string, unknown>;
    Object.assign(this, own);
  }

  setData(changes: Readonly<Record<string, unknown>>): void {
    for (const [path, value] of Object.entries(changes)) {
      if (value === undefined) throw new Error(`setData cannot set ${path} to undefined`);
      const keys = path.match(/[^.[\]]+/g) ?? [];
      const last = keys.pop() ?? "";
      const place = keys.reduce((it, key) => it[key] as Record<string, unknown>, this.data);
      place[last] = copy(value);
    }
  }
}

/** As the bridge between the page's code and its view carries it. */
function copy(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** One script that holds the files and what WeChat gives them, for a phone that runs one script. */
function bundle(files: Readonly<Record<string, string>>): string {
  const modules = Object.entries(files).map(
    ([name, text]) => `${JSON.stringify(name)}: function (module, exports, require) {${text}\n}`,
  );
  return `
var files = {${modules.join(",")}};
var loaded = {}, app, page;
function App(options) { app = options; }
function Page(options) { page = options; }
function getApp() { return app; }
function load(name) {
  if (loaded[name]) return loaded[name].exports;
  if (!files[name]) throw new Error("module '" + name + "' is not defined");
  var module = loaded[name] = { exports: {} };
  files[name](module, module.exports, function (path) {
    var parts = name.split("/").slice(0, -1);
    path.split("/").forEach(function (part) {
      if (part === "..") parts.pop();
      else if (part !== ".") parts.push(part);
    });
    return load(parts.join("/"));
  });
  return module.exports;
}
exports.start = function (more) { Object.assign(wx, more); load("app.js"); app.onLaunch(); };
exports.page = function (path) { delete loaded[path + ".js"]; load(path + ".js"); return page; };
`;
}

interface RequestOptions {
  readonly url: string;
  readonly success: (result: { readonly statusCode: number; readonly data: unknown }) => void;
  readonly fail: (error: { readonly errMsg: string }) => void;
}

/** `wx.request`, which succeeds with whatever status comes. */
function request({ url, success, fail }: RequestOptions): void {
  fetch(url).then(
    async (answer) => success({ statusCode: answer.status, data: await answer.json() }),
    (error) => fail({ errMsg: `request:fail ${error}` }),
  );
}
