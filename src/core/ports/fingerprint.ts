/**
 * Tells texts apart by something short that can be kept: equal texts MUST have equal fingerprints in
 * every process, and nobody may be able to find two texts with the same one. It MUST be a
 * cryptographic digest of at least 128 bits: a device that could make two events look the same would
 * have the second taken for a repetition of the first, and one that met a chance collision would lose it.
 */
export type Fingerprint = (text: string) => string;
