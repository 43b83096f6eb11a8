import { z } from "zod";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import { parseDecimal, type TagCompare, type TagsFilter } from "../core/tags-filter.ts";
import { wordsOf } from "./issue-words.ts";

const FilterNode = z.object({
  op: z.enum(["", "and", "or", "not"]).default(""),
  key: z.string().default(""),
  cmp: z
    .enum(["eq", "neq", "in", "nin", "ex", "nex", "sw", "ew", "ct", "lt", "lte", "gt", "gte"])
    .optional(),
  val: z.string().default(""),
  vals: z.array(z.string()).default([]),
  nodes: z.array(z.unknown()).default([]),
});

type FilterNode = z.infer<typeof FilterNode>;

/** Decodes the filter of a subscribe request (`FilterNode` of the protocol), or throws `filter_invalid`. */
export function decodeTagsFilter(value: unknown): TagsFilter {
  const budget = { nodes: LIMITS.filterNodesMax };
  return decodeNode(value, budget);
}

function decodeNode(value: unknown, budget: { nodes: number }): TagsFilter {
  budget.nodes -= 1;
  if (budget.nodes < 0) throw invalid(`at most ${LIMITS.filterNodesMax} nodes are allowed`);
  const parsed = FilterNode.safeParse(value);
  if (!parsed.success) throw invalid(wordsOf(parsed.error, value, FilterNode));
  const node = parsed.data;
  if (node.op === "") return { op: "tag", key: node.key, cmp: compareOf(node) };
  const nodes = node.nodes.map((inner) => decodeNode(inner, budget));
  const [first] = nodes;
  if (first === undefined) throw invalid(`"${node.op}" has no nodes`);
  if (node.op !== "not") return { op: node.op, nodes };
  if (nodes.length > 1) throw invalid('"not" has more than one node');
  return { op: "not", node: first };
}

function compareOf({ cmp, key, val, vals }: FilterNode): TagCompare {
  if (key === "") throw invalid("a comparison has no key");
  switch (cmp) {
    case undefined:
      throw invalid(`the comparison of "${key}" has no cmp`);
    case "ex":
    case "nex":
      return { by: cmp };
    case "in":
    case "nin":
      return { by: cmp, texts: vals };
    case "lt":
    case "lte":
    case "gt":
    case "gte":
      return { by: cmp, number: numberOf(key, val) };
    case "eq":
    case "neq":
    case "sw":
    case "ew":
    case "ct":
      return { by: cmp, text: val };
  }
}

function numberOf(key: string, text: string): number {
  const number = parseDecimal(text);
  if (number !== undefined) return number;
  throw invalid(`"${key}" is compared with ${JSON.stringify(text)}, wanted a number`);
}

function invalid(detail: string): Fault {
  return new Fault("filter_invalid", { detail });
}
