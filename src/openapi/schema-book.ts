import { z } from "zod";

/** A part of the document. */
export type Json = Readonly<Record<string, unknown>>;

export interface SchemaBookOptions {
  /** These are referred to wherever they are met. */
  readonly named: Readonly<Record<string, z.ZodType>>;
  /** All the others that are going to be asked for. */
  readonly others: Iterable<z.ZodType>;
  /** Whether they say what is sent to the server or what comes from it. */
  readonly io: "input" | "output";
}

/** Zod schemas as the JSON Schemas that OpenAPI 3.1 has. */
export interface SchemaBook {
  /** The named ones, for the document's components. */
  readonly components: Readonly<Record<string, Json>>;
  /** A reference to it where it has a name. */
  show(schema: z.ZodType): Json;
}

type Override = NonNullable<z.core.ToJSONSchemaParams["override"]>;

/** Two schemas that say the same are one entry here; all are made at once, since that is what Zod can do. */
export function createSchemaBook({ named, others, io }: SchemaBookOptions): SchemaBook {
  const registry = z.registry<{ readonly id: string }>();
  const names = new Map<z.ZodType, string>();
  for (const [id, schema] of Object.entries(named)) {
    names.set(schema, id);
    registry.add(schema, { id });
  }
  const unnamed = [...new Set(others)].filter((schema) => !names.has(schema));
  for (const [index, schema] of unnamed.entries()) registry.add(schema, { id: `#${index}` });
  const { schemas } = z.toJSONSchema(registry, {
    io,
    uri: (id) => `#/components/schemas/${id}`,
    override: io === "input" ? withoutNoise : asAnswer,
  });
  const made = new Map(unnamed.map((schema, index) => [schema, bare(schemas[`#${index}`])]));
  return {
    components: Object.fromEntries([...names].map(([, id]) => [id, bare(schemas[id])])),
    show(schema) {
      const name = names.get(schema);
      if (name !== undefined) return { $ref: `#/components/schemas/${name}` };
      const shown = made.get(schema);
      if (shown === undefined) throw new Error("Cannot show schema: the book was not told of it");
      return shown;
    },
  };
}

/** What is true of every integer in JavaScript, and of every key in JSON, says nothing to the reader. */
const withoutNoise: Override = ({ jsonSchema }) => {
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  delete jsonSchema.propertyNames;
};

/** Members may be added to answers; whoever made a program of this document must not break over them. */
const asAnswer: Override = (context) => {
  withoutNoise(context);
  const { jsonSchema } = context;
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
};

function bare(schema: Json | undefined): Json {
  const { $schema: _dialect, $id: _id, ...rest } = schema ?? {};
  return rest;
}
