import { openApiDocument } from "./document.ts";
import { OPERATIONS } from "./operations.ts";

/** The JSON text of the OpenAPI document of this version, on one line or indented. */
export function describeApi(version: string, indent = 0): string {
  return JSON.stringify(openApiDocument(OPERATIONS, version), null, indent);
}
