import { z } from "zod";
import { ServerTime, timed } from "./answers.ts";
import type { Content } from "./operation.ts";

/** A JSON body. */
export function json(description: string, schema: z.ZodType): Content {
  return { description, media: { "application/json": schema } };
}

/** A JSON answer, which also says what time it is. */
export function answer(description: string, schema: z.ZodType): Content {
  return json(description, timed(schema));
}

/** It is done and there is nothing to say. */
export const DONE: Content = {
  description: "Done.",
  headers: { "Server-Time": "Milliseconds since 1970, as the server's clock has them." },
};

/** The fields of an answer that are nowhere else. */
export function answerOf(description: string, fields: z.ZodRawShape): Content {
  return json(description, z.strictObject({ ...fields, server_time: ServerTime }));
}
