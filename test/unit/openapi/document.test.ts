import { describe, expect, test } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { z } from "zod";
import { Fault } from "../../../src/core/faults.ts";
import { type AppServices, createApp } from "../../../src/http/app.ts";
import { toProblem } from "../../../src/http/problem.ts";
import { documentedPath, openApiDocument, refusalsOf } from "../../../src/openapi/document.ts";
import type { Operation } from "../../../src/openapi/operation.ts";
import { OPERATIONS } from "../../../src/openapi/operations.ts";
import { API_METHODS } from "../../../src/protocol/server-api.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingLog } from "../../support/recording-log.ts";

/** Routes that the document leaves out, by their beginnings, and why. */
const LEFT_OUT = {
  "/connection/": "the client protocol, which OpenAPI cannot tell",
  "/emulation": "the client protocol, which OpenAPI cannot tell",
  "/console": "a page for people",
  "/sdk/": "files for programs that want the client",
} as const;

/** The server API has one route for all its methods, and takes no other HTTP method anywhere. */
const API_ROUTES: Readonly<Record<string, readonly string[]>> = {
  "/api": ["POST /api"],
  "/api/batch": ["POST /api/batch"],
  // "rpc" is always refused.
  "/api/:method": API_METHODS.filter((it) => it !== "rpc").map((it) => `POST /api/${it}`),
};

const DOCUMENT = openApiDocument(OPERATIONS, "1.2.3");
const TEXT = JSON.stringify(DOCUMENT);

const BY_ID: ReadonlyMap<string, Operation> = new Map(OPERATIONS.map((it) => [it.id, it]));

describe("openApiDocument()", () => {
  test("describes every route there is and none that is not", () => {
    // Binding a route asks nothing of the services.
    const { routes } = createApp({} as AppServices);
    const served = routes
      // What stands before a route, for all methods, is none itself.
      .filter(({ method, path }) => method !== "ALL" || API_ROUTES[path] !== undefined)
      .filter(({ path }) => !Object.keys(LEFT_OUT).some((start) => path.startsWith(start)))
      .flatMap(({ method, path }) => API_ROUTES[path] ?? [`${method} ${documentedPath(path)}`]);
    const described = Object.entries(DOCUMENT["paths"] as object).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.toSorted()).toEqual([...new Set(served)].toSorted());
    expect(described.length).toBeGreaterThan(40);
  });

  test("leaves out nothing that is not there", () => {
    const { routes } = createApp({} as AppServices);
    const unused = Object.keys(LEFT_OUT).filter(
      (start) => !routes.some(({ path }) => path.startsWith(start)),
    );
    expect(unused).toEqual([]);
  });

  test("is an OpenAPI 3.1 document", async () => {
    const validator = new Validator();
    expect(await validator.validate(JSON.parse(TEXT))).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");
  });

  test("refers to nothing that it does not have", () => {
    const references = [...TEXT.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = ""]) => path);
    const dangling = references.filter((path) => memberAt(DOCUMENT, path.split("/")) === undefined);
    expect(dangling).toEqual([]);
    expect(references.length).toBeGreaterThan(100);
  });

  test("has no component that nothing speaks of", () => {
    const { schemas, parameters } = DOCUMENT["components"] as Record<string, object>;
    const unused = [...Object.keys(schemas ?? {}), ...Object.keys(parameters ?? {})].filter(
      (name) => !TEXT.includes(`/${name}"`) && !TEXT.includes(`\`${name}\``),
    );
    expect(unused).toEqual([]);
  });

  test("gives no two operations the same name", () => {
    expect(BY_ID.size).toBe(OPERATIONS.length);
  });

  test("names each refusal under the status that it has", () => {
    const [clock, log] = [new FakeClock(), new RecordingLog()];
    const wrong = OPERATIONS.flatMap((operation) =>
      [...refusalsOf(operation)].flatMap(([status, codes]) =>
        codes
          .filter((code) => toProblem(new Fault(code), clock, log).status !== Number(status))
          .map((code) => `${operation.id} ${status} ${code}`),
      ),
    );
    expect(wrong).toEqual([]);
  });

  test("tells of Retry-After wherever a refusal has it", () => {
    const [clock, log] = [new FakeClock(), new RecordingLog()];
    const silent = OPERATIONS.flatMap((operation) => {
      const { responses } = memberAt(DOCUMENT, [
        "paths",
        documentedPath(operation.path),
        operation.method.toLowerCase(),
      ]) as { responses: Record<string, { headers?: Record<string, unknown> }> };
      return [...refusalsOf(operation)]
        .filter(([, codes]) =>
          codes.some((code) => toProblem(new Fault(code), clock, log).headers.has("retry-after")),
        )
        .filter(([status]) => responses[status]?.headers?.["Retry-After"] === undefined)
        .map(([status]) => `${operation.id} ${status}`);
    });
    expect(silent).toEqual([]);
  });

  test("has no status that is an answer and a refusal at once", () => {
    const both = OPERATIONS.flatMap((operation) =>
      Object.keys(operation.answers)
        .filter((status) => refusalsOf(operation).has(status))
        .map((status) => `${operation.id} ${status}`),
    );
    expect(both).toEqual([]);
  });

  test("has examples that its own schemas take", () => {
    const wrong: string[] = [];
    let count = 0;
    for (const [id, schema] of schemasOf(OPERATIONS)) {
      z.toJSONSchema(schema, {
        unrepresentable: "any",
        override({ zodSchema }) {
          const { examples = [] } = z.globalRegistry.get(zodSchema) ?? {};
          for (const example of examples as readonly unknown[]) {
            count += 1;
            const taken = z.safeParse(zodSchema, example);
            if (!taken.success) wrong.push(`${id}: ${JSON.stringify(example)}`);
          }
        },
      });
    }
    expect(wrong).toEqual([]);
    expect(count).toBeGreaterThan(20);
  });

  test("refuses what a request may not have, and lets answers grow", () => {
    const schemas = memberAt(DOCUMENT, ["components", "schemas"]) as Record<string, object>;
    expect(schemas["CommandBody"]).toMatchObject({ additionalProperties: false });
    expect(schemas["Command"]).not.toHaveProperty("additionalProperties");
    expect(schemas["Device"]).toMatchObject({
      properties: { meta: { type: "object", additionalProperties: {} } },
    });
  });

  test("tells the bounds that the schemas check", () => {
    expect(
      memberAt(DOCUMENT, ["components", "schemas", "CommandBody", "properties"]),
    ).toMatchObject({
      type: { type: "string", minLength: 1, maxLength: 128 },
      ttl: { type: "integer", minimum: 1, maximum: 2_592_000 },
      wait: { type: "number", minimum: 0, maximum: 50 },
    });
  });
});

function schemasOf(operations: readonly Operation[]): [string, z.ZodType][] {
  return operations.flatMap(({ id, parameters = [], body, answers }) =>
    [
      ...parameters.map(({ schema }) => schema),
      ...[...Object.values(answers), ...(body ? [body] : [])].flatMap(({ media = {} }) =>
        Object.values(media),
      ),
    ].map((schema): [string, z.ZodType] => [id, schema]),
  );
}

function memberAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (found, name) => (found as Record<string, unknown> | undefined)?.[name],
    value,
  );
}
