/** One `-----BEGIN …-----` block of a PEM text. */
export interface PemBlock {
  /** What the block says it is, e.g. "CERTIFICATE" or "EC PRIVATE KEY". */
  readonly label: string;
  /** The contents without line breaks; not checked to be base64. */
  readonly base64: string;
  readonly encrypted: boolean;
}

const BEGIN = /^-----BEGIN ([A-Z0-9 ]+)-----$/;

/**
 * Finds the PEM blocks of a text, whatever surrounds them.
 *
 * Tools leave a lot around the blocks: "Bag Attributes", a byte order mark, notes, foreign line
 * ends, indentation. A block that never ends, or ends as something else, is left out.
 */
export function readPemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let label: string | undefined;
  let body: string[] = [];
  for (const line of text.split(/\r\n|\r|\n/)) {
    const trimmed = line.trim();
    const begun = BEGIN.exec(trimmed)?.[1];
    if (begun !== undefined) {
      label = begun;
      body = [];
    } else if (label !== undefined && trimmed.startsWith("-----END")) {
      if (trimmed === `-----END ${label}-----`) blocks.push(toBlock(label, body));
      label = undefined;
    } else {
      body.push(trimmed);
    }
  }
  return blocks;
}

export function isCertificate({ label }: PemBlock): boolean {
  return label === "CERTIFICATE" || label === "X509 CERTIFICATE";
}

/** Also for an encrypted one. */
export function isPrivateKey({ label }: PemBlock): boolean {
  return label.endsWith("PRIVATE KEY");
}

/** Writes one PEM block the way every reader accepts it. */
export function encodePem(label: string, base64: string): string {
  const lines = base64.match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/** Says in words what a text holds instead of the PEM block that was looked for. */
export function describeContents(text: string): string {
  const labels = new Set(readPemBlocks(text).map(({ label }) => label));
  if (labels.size > 0) return `it holds ${[...labels].join(", ")}`;
  if (/[\0\uFFFD]/.test(text)) return "it is binary (DER or PKCS#12), not PEM text";
  return text.trim() === "" ? "it is empty" : "it holds no complete PEM block";
}

function toBlock(label: string, body: readonly string[]): PemBlock {
  return {
    label,
    // RFC 1421 headers ("Proc-Type: …") hold a colon, base64 never does.
    base64: body.filter((line) => !line.includes(":")).join(""),
    encrypted: label === "ENCRYPTED PRIVATE KEY" || body.some(saysEncrypted),
  };
}

function saysEncrypted(line: string): boolean {
  return /^Proc-Type:.*ENCRYPTED/.test(line);
}
