import type { Hono } from "hono";
import type { CallerInfo } from "./proxies/addressed.ts";

/** What is known of a request beside what it says itself; routes find it in `c.env`. */
export type Caller = Pick<
  CallerInfo,
  "remoteAddress" | "proxyAddress" | "scheme" | "isCertified" | "holdOpen" | "upgrade"
>;

/** The routes of plain HTTP. */
export type App = Hono<{ Bindings: Caller }>;
