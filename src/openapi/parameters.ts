import { z } from "zod";
import { DEVICE_ID_PATTERN } from "../core/device-id.ts";
import { LIMITS } from "../core/limits.ts";
import type { Parameter } from "./operation.ts";

interface PathParameter {
  readonly schema: z.ZodType;
  readonly description: string;
}

/** The variable parts of paths, by the name that the router has for them. */
export const PATH_PARAMETERS: Readonly<Record<string, PathParameter>> = {
  id: {
    schema: z
      .string()
      .regex(DEVICE_ID_PATTERN)
      .meta({ examples: ["kiosk-7"] }),
    description: "The id of the device.",
  },
  command: { schema: z.string().max(64), description: "The id of the command." },
  user: {
    schema: z
      .string()
      .min(1)
      .max(LIMITS.userMaxChars)
      .meta({ examples: ["anna"] }),
    description: "The user, as tokens and tickets call him.",
  },
  name: {
    schema: z
      .string()
      .min(1)
      .meta({ examples: ["wechat"] }),
    description: "The name of the login, as the server's configuration calls it.",
  },
};

/** Every request with a body may have it. */
export const CONTENT_ENCODING: Parameter = {
  name: "Content-Encoding",
  in: "header",
  schema: z.enum(["gzip", "deflate", "identity"]),
  description: "How the body is packed. What it unpacks to has the same bound.",
};

/** Every request of a device may have it. */
export const APP_VERSION: Parameter = {
  name: "X-App-Version",
  in: "header",
  schema: z
    .string()
    .max(LIMITS.appVersionMaxChars)
    .meta({ examples: ["2.4.1"] }),
  description: "The version of the program on the device, for the registry. Printable ASCII.",
};

/** A number of things on one page. */
export function limitParameter(most: number, fallback: number): Parameter {
  return {
    name: "limit",
    in: "query",
    schema: z.int().min(1).max(most).default(fallback),
    description: "At most so many on this page.",
  };
}
