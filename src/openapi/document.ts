import { Fault, type FaultCode } from "../core/faults.ts";
import { ANSWERS } from "./answers.ts";
import { BODIES } from "./bodies.ts";
import type { Access, Content, Operation, Parameter } from "./operation.ts";
import { APP_VERSION, CONTENT_ENCODING, PATH_PARAMETERS } from "./parameters.ts";
import { createSchemaBook, type Json, type SchemaBook } from "./schema-book.ts";
import { API_ANSWERS } from "./server-api.ts";
import { WEBHOOK_BODIES, webhookObjects } from "./webhooks.ts";
import { ABOUT, SECURITY_SCHEMES, TAGS } from "./words.ts";

const SECURITY = {
  device: [{ deviceSecret: [] }],
  backend: [{ apiKey: [] }, { apiKeyBearer: [] }],
  either: [{ deviceSecret: [] }, { apiKey: [] }, { apiKeyBearer: [] }],
  fleet: [{ fleetKey: [] }, {}],
  anyone: [],
} as const satisfies Record<Access, readonly Json[]>;

const DEVICE_REFUSALS: readonly FaultCode[] = ["secret_missing", "secret_wrong"];
const BACKEND_REFUSALS: readonly FaultCode[] = ["api_key_missing", "api_key_wrong"];

const REFUSALS_BY_ACCESS = {
  device: DEVICE_REFUSALS,
  backend: BACKEND_REFUSALS,
  either: [...DEVICE_REFUSALS, ...BACKEND_REFUSALS],
  fleet: ["fleet_key_wrong"],
  anyone: [],
} as const satisfies Record<Access, readonly FaultCode[]>;

/** Where they have to show a certificate, at the port where nobody can. */
const CERTIFIED: ReadonlySet<Access> = new Set(["device", "either", "fleet"]);

const BODY_REFUSALS: NonNullable<Operation["refusals"]> = {
  400: ["body_malformed"],
  408: ["body_timeout"],
  413: ["body_too_large"],
  415: ["encoding_unsupported"],
};

const RETRIED_STATUSES: ReadonlySet<string> = new Set(["409", "429", "503", "507"]);
const RETRY_AFTER = { "Retry-After": "Seconds to wait, where waiting helps." };

interface Books {
  readonly input: SchemaBook;
  readonly output: SchemaBook;
}

/** The OpenAPI 3.1 document of these operations. */
export function openApiDocument(operations: readonly Operation[], version: string): Json {
  const input = createSchemaBook({ named: BODIES, others: inputsOf(operations), io: "input" });
  const named = { ...ANSWERS, ...API_ANSWERS };
  const output = createSchemaBook({
    named,
    others: [...outputsOf(operations), ...Object.values(WEBHOOK_BODIES)],
    io: "output",
  });
  const paths: Record<string, Record<string, Json>> = {};
  for (const operation of operations) {
    const path = documentedPath(operation.path);
    paths[path] = {
      ...paths[path],
      [operation.method.toLowerCase()]: operationObject(operation, { input, output }),
    };
  }
  return {
    openapi: "3.1.0",
    info: { ...ABOUT, version },
    tags: TAGS,
    paths,
    webhooks: webhookObjects(output),
    components: {
      securitySchemes: SECURITY_SCHEMES,
      parameters: {
        ContentEncoding: parameterObject(CONTENT_ENCODING, input),
        AppVersion: parameterObject(APP_VERSION, input),
      },
      schemas: { ...input.components, ...output.components },
    },
  };
}

/** A route's path as the document writes it: `/v1/devices/{id}`. */
export function documentedPath(path: string): string {
  return path.replace(/:(\w+)/g, "{$1}");
}

/** Every way in which the operation may be refused, by status. */
export function refusalsOf({
  access,
  path,
  body,
  refusals = {},
}: Operation): ReadonlyMap<string, readonly FaultCode[]> {
  const all = new Map<string, readonly FaultCode[]>();
  const add = (found: NonNullable<Operation["refusals"]>) => {
    for (const [status, codes] of Object.entries(found)) {
      all.set(status, [...new Set([...(all.get(status) ?? []), ...codes])]);
    }
  };
  if (path.includes(":id")) add({ 400: ["device_malformed"] });
  if (path.startsWith("/v1/")) add({ 400: ["query_invalid"] });
  if (body) add(BODY_REFUSALS);
  if (REFUSALS_BY_ACCESS[access].length > 0) add({ 401: REFUSALS_BY_ACCESS[access] });
  if (CERTIFIED.has(access)) add({ 403: ["certificate_required"] });
  add(refusals);
  return all;
}

function inputsOf(operations: readonly Operation[]) {
  return [
    ...[CONTENT_ENCODING, APP_VERSION, ...Object.values(PATH_PARAMETERS)],
    ...operations.flatMap(({ parameters = [] }) => parameters),
  ]
    .map(({ schema }) => schema)
    .concat(operations.flatMap(({ body }) => Object.values(body?.media ?? {})));
}

function outputsOf(operations: readonly Operation[]) {
  return operations.flatMap(({ answers }) =>
    Object.values(answers).flatMap(({ media = {} }) => Object.values(media)),
  );
}

function operationObject(operation: Operation, { input, output }: Books): Json {
  const { id, tag, summary, description, access, body } = operation;
  const parameters = parametersOf(operation, input);
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    security: SECURITY[access],
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: body.optional !== true, ...content(body, input) } }),
    responses: responsesOf(operation, output),
  };
}

function parametersOf(
  { path, access, body, parameters = [] }: Operation,
  book: SchemaBook,
): readonly Json[] {
  const isDevice = access === "device" || access === "either";
  return [
    ...[...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => pathParameter(name, book)),
    ...parameters.map((it) => parameterObject(it, book)),
    ...(body ? [{ $ref: "#/components/parameters/ContentEncoding" }] : []),
    ...(isDevice ? [{ $ref: "#/components/parameters/AppVersion" }] : []),
  ];
}

function pathParameter(name: string, book: SchemaBook): Json {
  const known = PATH_PARAMETERS[name];
  if (known === undefined) throw new Error(`Cannot describe the path parameter "${name}"`);
  const { schema, description } = known;
  return { name, in: "path", required: true, description, schema: book.show(schema) };
}

function parameterObject({ schema, ...parameter }: Parameter, book: SchemaBook): Json {
  return { ...parameter, required: false, schema: book.show(schema) };
}

function responsesOf(operation: Operation, book: SchemaBook): Json {
  const refused = [...refusalsOf(operation)].map(([status, codes]) => [
    status,
    response(refusal(status, codes), book),
  ]);
  const answered = Object.entries(operation.answers).map(([status, answer]) => [
    status,
    response(answer, book),
  ]);
  const otherwise = {
    ...refusal("", []),
    description: "It was refused, and `code` says why.",
    headers: RETRY_AFTER,
  };
  return { ...Object.fromEntries([...answered, ...refused]), default: response(otherwise, book) };
}

function refusal(status: string, codes: readonly FaultCode[]): Content {
  return {
    description: codes.map((code) => `\`${code}\`: ${new Fault(code).title}.`).join(" "),
    media: { "application/problem+json": ANSWERS.Problem },
    ...(RETRIED_STATUSES.has(status) && { headers: RETRY_AFTER }),
  };
}

function response({ headers = {}, ...rest }: Content, book: SchemaBook): Json {
  const described = Object.entries(headers).map(([name, description]) => [
    name,
    { description, schema: { type: "string" } },
  ]);
  return {
    ...content(rest, book),
    ...(described.length > 0 && { headers: Object.fromEntries(described) }),
  };
}

function content({ description, media }: Content, book: SchemaBook): Json {
  if (media === undefined) return { description };
  const shown = Object.entries(media).map(([type, schema]) => [
    type,
    { schema: book.show(schema) },
  ]);
  return { description, content: Object.fromEntries(shown) };
}
