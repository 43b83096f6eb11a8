type Unit = readonly [name: string, factor: number];
/** Smallest first. */
type Units = readonly [Unit, ...Unit[]];

const DURATION_UNITS: Units = [
  ["ms", 1],
  ["s", 1000],
  ["m", 60 * 1000],
  ["h", 60 * 60 * 1000],
  ["d", 24 * 60 * 60 * 1000],
];

/** Powers of 1024, as memory and frames are counted. */
const SIZE_UNITS: Units = [
  ["B", 1],
  ["KB", 1024],
  ["MB", 1024 ** 2],
  ["GB", 1024 ** 3],
];

/** Reads "500ms", "90s", "15m", "24h" or "7d"; undefined when the text is nothing of the kind. */
export function parseDurationMs(text: string): number | undefined {
  return parseQuantity(text, DURATION_UNITS);
}

/** Reads "64KB", "1MB" or a number of bytes; undefined when the text is nothing of the kind. */
export function parseSizeBytes(text: string): number | undefined {
  return parseQuantity(/^\d+$/.test(text) ? `${text}B` : text, SIZE_UNITS);
}

/** Writes a duration as {@link parseDurationMs} reads it, in the largest unit that divides it. */
export function formatDuration(durationMs: number): string {
  return formatQuantity(durationMs, DURATION_UNITS);
}

/** Writes a size as {@link parseSizeBytes} reads it, in the largest unit that divides it. */
export function formatSize(sizeBytes: number): string {
  return formatQuantity(sizeBytes, SIZE_UNITS);
}

function parseQuantity(text: string, units: Units): number | undefined {
  const [, digits, name] = /^(\d{1,15})([A-Za-z]+)$/.exec(text) ?? [];
  const factor = units.find(([known]) => known === name)?.[1];
  if (digits === undefined || factor === undefined) return undefined;
  const quantity = Number(digits) * factor;
  return Number.isSafeInteger(quantity) ? quantity : undefined;
}

function formatQuantity(quantity: number, units: Units): string {
  const fits = ([, factor]: Unit): boolean => quantity >= factor && quantity % factor === 0;
  const [name, factor] = units.findLast(fits) ?? units[0];
  return `${quantity / factor}${name}`;
}
