import type { z } from "zod";
import type { FaultCode } from "../core/faults.ts";

/** Who may ask: a device with its secret, the backend with its key, a fleet's key, anybody. */
export type Access = "device" | "backend" | "either" | "fleet" | "anyone";

/** One parameter of the query or one header. */
export interface Parameter {
  readonly name: string;
  readonly in: "query" | "header";
  readonly schema: z.ZodType;
  readonly description: string;
}

export interface Content {
  readonly description: string;
  /** What it says, by media type. Absent: there is no body. */
  readonly media?: Readonly<Record<string, z.ZodType>>;
  /** Headers of an answer, by name, with what they say. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One route as it is documented. Its path is written as the router writes it: `/v1/devices/:id`. */
export interface Operation {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly id: string;
  readonly tag: "devices" | "backend" | "server-api" | "mini-program" | "operating";
  readonly summary: string;
  readonly description?: string;
  readonly access: Access;
  readonly parameters?: readonly Parameter[];
  readonly body?: Content & { readonly optional?: true };
  /** By status. */
  readonly answers: Readonly<Record<number, Content>>;
  /**
   * What it may be refused for, by status, besides what {@link Access}, path and body bring with them.
   * All of these are problems (RFC 9457).
   */
  readonly refusals?: Readonly<Record<number, readonly FaultCode[]>>;
}
