import type { Area, CodesOf } from "./finding.ts";

/** What is said of something that is well. */
export interface GoodText {
  readonly found: string;
}

/** What is said of something that is not: what, why that matters, and what to do about it. */
export interface BadText extends GoodText {
  readonly why: string;
  readonly remedy: string;
}

/** The texts of all codes. `{name}` stands for a value of the finding. */
export type Texts = Readonly<Record<CodesOf<"ok">, GoodText>> &
  Readonly<Record<CodesOf<"warning" | "error">, BadText>>;

/** Everything that a report says in one language. */
export interface Catalogue {
  readonly texts: Texts;
  /** What stands for a `Word` of a value. */
  readonly words: Readonly<Record<WordCode, string>>;
  readonly areas: Readonly<Record<Area, string>>;
  readonly labels: Readonly<
    Record<"ok" | "warning" | "error" | "why" | "remedy" | "well" | "ill" | "looking", string>
  >;
}

/** The words that values of findings may be. */
export type WordCode =
  | "refused"
  | "timeout"
  | "reset"
  | "unreachable"
  | "ended"
  | "too_long"
  | "no_http"
  | "http2"
  | "tls"
  | "unknown"
  | "idle_60"
  | "idle_100"
  | "idle_300"
  | "idle_350"
  | "idle_900"
  | "life_30"
  | "idle_own"
  | "runs_code"
  | "trusts_anyone"
  | "leaks_keys"
  | "upgrade_nginx"
  | "upgrade_caddy"
  | "upgrade_apache"
  | "upgrade_front"
  | "path_nginx"
  | "path_caddy"
  | "path_apache"
  | "path_front"
  | "files_server"
  | "files_shell"
  | `check_${CheckId}`;

/** What `posthorn check` asks. */
export type CheckId =
  | "tls"
  | "data"
  | "listen"
  | "proxies"
  | "tokens"
  | "clients"
  | "push"
  | "api"
  | "logins"
  | "webhooks";
