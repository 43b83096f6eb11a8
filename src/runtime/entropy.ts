import { randomBytes } from "node:crypto";
import type { Entropy } from "../core/ports/entropy.ts";

/** The machine's cryptographic source of chance. */
export const systemEntropy: Entropy = {
  uuid: () => uuidV7(Date.now()),
  token: (bytes) => randomBytes(bytes).toString("base64url"),
  fraction: () => Math.random(),
};

/** RFC 9562 §5.7: 48 bits of time, then chance around the version and the variant. */
function uuidV7(nowMs: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(nowMs, 0, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
