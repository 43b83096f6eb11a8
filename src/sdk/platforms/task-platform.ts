import type { Link, LinkEvents, Platform } from "../platform.ts";
import type { PlatformName } from "../posthorn.d.ts";

interface Outcome {
  readonly fail?: (error: unknown) => void;
  /** Without one of the callbacks uni-app returns a promise instead of the task. */
  readonly complete?: () => void;
}

/** The socket of a mini-program: six methods, no `readyState` to trust. */
interface SocketTask {
  send(options: Outcome & { readonly data: string }): void;
  close(options: Outcome & { readonly code?: number; readonly reason?: string }): void;
  onOpen(run: () => void): void;
  onMessage(run: (message: unknown) => void): void;
  onError(run: (error: unknown) => void): void;
  onClose(run: (close: unknown) => void): void;
}

interface ConnectOptions extends Outcome {
  readonly url: string;
  readonly [option: string]: unknown;
}

/** The part of `wx`, `my`, `tt`, `uni` or `Taro` that is used. */
export interface MiniProgramApi {
  connectSocket(options: ConnectOptions): SocketTask | Promise<SocketTask> | undefined;
  onAppShow?(run: () => void): void;
  onAppHide?(run: () => void): void;
  onNetworkStatusChange?(run: (status: NetworkStatus) => void): void;
  getNetworkType?(
    options: Outcome & { readonly success: (status: NetworkStatus) => void },
  ): unknown;
  getAppBaseInfo?(): AppInfo;
  getSystemInfoSync?(): AppInfo;
}

interface NetworkStatus {
  readonly isConnected?: boolean;
  readonly networkType?: string;
}

interface AppInfo {
  readonly language?: string;
}

/** Where an error has its words; the first that has any counts. */
const WORDS = ["errMsg", "errorMessage", "message"] as const;

/** Where it has a number, which says more than its words on some phones. `error` is Alipay's. */
const NUMBERS = ["errno", "errNo", "errCode", "errorCode", "error", "code"] as const;

/** The platform that has this API; `options` are added to every `connectSocket`. */
export function createTaskPlatform(
  name: PlatformName,
  api: object,
  options: Readonly<Record<string, unknown>> = {},
): Platform {
  const platform = api as MiniProgramApi;
  return {
    name,
    losesOpen: true,
    freezes: true,
    open: (url, events) => openTask(platform, { url, ...options }, events),
    onShow: (run) => platform.onAppShow?.(run),
    onHide: (run) => platform.onAppHide?.(run),
    onNetwork: (run) =>
      platform.onNetworkStatusChange?.(({ isConnected, networkType }) =>
        run(isConnected !== false, kindOf(networkType)),
      ),
    findNetwork: (run) => findNetwork(platform, run),
    language: () => languageOf(name, platform),
  };
}

/** Alipay does not write them as it does elsewhere. */
function kindOf(networkType: string | undefined): string {
  return String(networkType).toLowerCase();
}

function findNetwork(api: MiniProgramApi, run: (kind: string) => void): void {
  const success = ({ networkType }: NetworkStatus) => {
    if (networkType !== undefined && networkType !== "none") run(kindOf(networkType));
  };
  // Without an answer it stays unknown, as where nobody can be asked.
  attempt(() => {
    const asked = api.getNetworkType?.({ success, fail: noop, complete: noop });
    if (isPromise(asked)) asked.then(noop, noop);
  }, noop);
}

function languageOf(name: PlatformName, api: MiniProgramApi): string {
  // WeChat calls the second one outdated, each time it is called.
  const isQuiet = name === "alipay" || name === "douyin";
  try {
    const known = api.getAppBaseInfo?.().language;
    return known || (isQuiet && api.getSystemInfoSync?.().language) || "";
  } catch {
    return ""; // no reason not to connect
  }
}

function openTask(
  api: MiniProgramApi,
  options: { readonly url: string },
  events: LinkEvents,
): Link {
  let task: SocketTask | undefined;
  let isClosing = false;
  const fail = (error: unknown) => later(() => events.failed(textOf(error)));
  const bind = (made: SocketTask | undefined): void => {
    // Nothing is returned where the call failed, and `fail` says why.
    if (made === undefined || made === null) return;
    task = made;
    listen(made, events);
    if (isClosing) closeTask(made);
  };
  try {
    // `success` says only that a task was made, so it is of no use.
    const made = api.connectSocket({ ...options, fail, complete: noop });
    if (isPromise(made)) made.then(bind, fail);
    else bind(made);
  } catch (error) {
    fail(error);
  }
  return {
    send: (data, failed) => {
      if (task === undefined) return later(failed);
      attempt(() => task?.send({ data, fail: failed, complete: noop }), failed);
    },
    close: () => {
      isClosing = true;
      if (task !== undefined) closeTask(task);
    },
  };
}

function listen(task: SocketTask, events: LinkEvents): void {
  task.onOpen(() => events.opened());
  task.onMessage((message) => {
    const text = dataOf(message);
    if (text !== undefined) events.message(text);
  });
  task.onError((error) => events.failed(textOf(error)));
  task.onClose((close) => {
    const { code, reason } = (close ?? {}) as { code?: unknown; reason?: unknown };
    // Douyin tells the code as a string.
    events.closed(Number(code) || 1006, String(reason ?? ""));
  });
}

function closeTask(task: SocketTask): void {
  // A socket that is not open yet or not any more refuses this; then there is nothing to close.
  attempt(() => task.close({ code: 1000, fail: noop, complete: noop }), noop);
}

function attempt(run: () => void, failed: () => void): void {
  try {
    run();
  } catch {
    later(failed);
  }
}

function later(run: () => void): void {
  setTimeout(run, 0);
}

/** Alipay wraps the message once more in some versions. */
function dataOf(message: unknown): string | undefined {
  const data = memberOf(message, "data");
  if (typeof data === "string") return data;
  const inner = memberOf(data, "data");
  return typeof inner === "string" ? inner : undefined;
}

/** The words of an error and its numbers, such as `must be wss (error 20)`. */
function textOf(error: unknown): string {
  const words = WORDS.map((name) => memberOf(error, name)).find(isTelling);
  const numbers = NUMBERS.filter((name) => isTelling(memberOf(error, name))).map(
    (name) => `(${name} ${memberOf(error, name)})`,
  );
  const text = [words, ...numbers].filter(isTelling).join(" ");
  return text || (typeof error === "string" ? error : String(JSON.stringify(error)));
}

function isTelling(value: unknown): value is string | number {
  return (typeof value === "string" || typeof value === "number") && Boolean(value);
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function isPromise(value: unknown): value is Promise<SocketTask> {
  return typeof memberOf(value, "then") === "function";
}

function noop(): void {}
