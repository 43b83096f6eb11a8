import type { Hono } from "hono";
import type { RequestInfo } from "../core/ports/host.ts";

/** What the host knows of a request beside what it says itself; routes find it in `c.env`. */
export type Caller = Pick<RequestInfo, "remoteAddress" | "holdOpen" | "upgrade">;

/** The routes of plain HTTP. */
export type App = Hono<{ Bindings: Caller }>;
