import { decodeBase64Json } from "../../core/base64-json.ts";
import { Fault } from "../../core/faults.ts";
import { onOneLine } from "../../core/raw-json.ts";
import type { ApiPayloads } from "../../protocol/server-api.ts";

/** Beside each payload there may be one in base64, which then counts. */
type Encoded = { readonly [Name in keyof ApiPayloads as `b64${Name}`]?: string | undefined };

/** The JSON text of a payload, as it was written; undefined when there is none. */
export function payloadOf<Name extends keyof ApiPayloads>(
  name: Name,
  payloads: ApiPayloads,
  request: Encoded,
): string | undefined {
  const encoded = request[`b64${name}`];
  return encoded ? textOf(`b64${name}`, encoded) : payloads[name];
}

/** The same where null means that there is none. */
export function optionalPayload<Name extends keyof ApiPayloads>(
  name: Name,
  payloads: ApiPayloads,
  request: Encoded,
): { readonly [Key in Name]?: string };
export function optionalPayload(
  name: keyof ApiPayloads,
  payloads: ApiPayloads,
  request: Encoded,
): ApiPayloads {
  const text = payloadOf(name, payloads, request);
  return text === undefined || text === "null" ? {} : { [name]: text };
}

function textOf(field: string, encoded: string): string {
  try {
    return onOneLine(decodeBase64Json(encoded));
  } catch (cause) {
    const detail = `${field}: it holds no JSON, and nothing else can be published`;
    throw new Fault("api_request_invalid", { detail, cause });
  }
}
