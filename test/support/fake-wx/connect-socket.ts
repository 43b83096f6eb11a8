import { TEXTS } from "./texts.ts";

/** What an app asks for. */
export interface ConnectOptions {
  readonly url?: unknown;
  readonly protocols?: unknown;
  readonly success?: (result: unknown) => void;
  readonly fail?: (error: unknown) => void;
  readonly complete?: (result: unknown) => void;
}

/** What decides about it. */
export interface ConnectRules {
  readonly system: "android" | "ios";
  /** Undefined: the check is off, as it can be in the developer tools and in a debug build. */
  readonly domains: readonly string[] | undefined;
  readonly socketsMax: number;
  /** Sockets whose close was not told yet. */
  readonly sockets: number;
}

type Refusal = { readonly errMsg: string; readonly errno?: number };

/** Why `wx.connectSocket` fails, or undefined when a task can be made. */
export function refuseConnect(
  { url, protocols }: ConnectOptions,
  rules: ConnectRules,
): Refusal | undefined {
  const parsed = typeof url === "string" && URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^wss?:$/.test(parsed.protocol)) return TEXTS.invalidUrl;
  // A bare string works on iOS.
  if (typeof protocols === "string" && rules.system === "android") return TEXTS.protocolsNoArray;
  if (rules.domains !== undefined && !isAllowed(parsed, rules.domains)) {
    return TEXTS.notInDomainList;
  }
  return rules.sockets >= rules.socketsMax ? TEXTS.tooMany : undefined;
}

/** The port does not matter for wss; the host has to be the same to the letter. */
function isAllowed({ protocol, hostname }: URL, domains: readonly string[]): boolean {
  if (protocol === "ws:") return isOtherInLan(hostname);
  return domains.includes(`wss://${hostname}`);
}

/** The exception for the same network: any port of an address, without TLS, but not the phone's own. */
function isOtherInLan(hostname: string): boolean {
  return /^(10|192\.168|172\.(1[6-9]|2\d|3[01]))\./.test(hostname);
}
