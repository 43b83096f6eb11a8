import { randomBytes } from "node:crypto";

/** Versions of TLS, oldest first. */
export const TLS_VERSIONS = ["1.0", "1.1", "1.2", "1.3"] as const;

export type TlsVersion = (typeof TLS_VERSIONS)[number];

/** How each is written on the wire (RFC 8446 §4.2.1). */
export const VERSION_NUMBERS: Readonly<Record<TlsVersion, number>> = {
  "1.0": 0x0301,
  "1.1": 0x0302,
  "1.2": 0x0303,
  "1.3": 0x0304,
};

/** Of TLS 1.3, then what servers of earlier versions have: ECDHE and RSA, with GCM, ChaCha20 and CBC. */
const SUITES_13 = [0x1301, 0x1302, 0x1303];
const SUITES_12 = [
  0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc009, 0xc013, 0xc00a, 0xc014, 0x009c, 0x009d,
  0x002f, 0x0035,
];
const GROUPS = [0x001d, 0x0017, 0x0018];
/** ECDSA, RSA-PSS and RSA with SHA-256 to SHA-512, and SHA-1 for what is old. */
const SIGNATURES = [
  0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201,
];

/**
 * The first message of a TLS handshake that offers one version and nothing else (RFC 8446 §4.1.2,
 * RFC 5246 §7.4.1.2). Neither runtime can be told to offer an old version.
 */
export function clientHello(version: TlsVersion, serverName: string | undefined): Uint8Array {
  const is13 = version === "1.3";
  const body = [
    ...u16(Math.min(VERSION_NUMBERS[version], 0x0303)),
    ...randomBytes(32),
    ...sized8([...randomBytes(32)]),
    ...sized16((is13 ? SUITES_13 : SUITES_12).flatMap(u16)),
    ...sized8([0]), // no compression
    ...sized16(extensions(version, serverName)),
  ];
  const message = [0x01, ...u24(body.length), ...body];
  return new Uint8Array([0x16, 0x03, 0x01, ...sized16(message)]);
}

function extensions(version: TlsVersion, serverName: string | undefined): number[] {
  const is13 = version === "1.3";
  const knowsSignatures = is13 || version === "1.2";
  return [
    ...(serverName === undefined ? [] : extension(0, nameList(serverName))),
    ...extension(10, sized16(GROUPS.flatMap(u16))),
    ...extension(11, sized8([0])),
    ...(knowsSignatures ? extension(13, sized16(SIGNATURES.flatMap(u16))) : []),
    ...extension(16, sized16(sized8(bytesOf("http/1.1")))),
    ...(is13 ? extension(43, sized8(u16(VERSION_NUMBERS["1.3"]))) : []),
    // Any 32 bytes are a public key of X25519.
    ...(is13 ? extension(51, sized16([...u16(0x001d), ...sized16([...randomBytes(32)])])) : []),
  ];
}

function extension(type: number, data: readonly number[]): number[] {
  return [...u16(type), ...sized16(data)];
}

function nameList(name: string): number[] {
  return sized16([0, ...sized16(bytesOf(name))]);
}

function bytesOf(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}

function sized8(data: readonly number[]): number[] {
  return [data.length, ...data];
}

function sized16(data: readonly number[]): number[] {
  return [...u16(data.length), ...data];
}

function u16(value: number): number[] {
  return [(value >> 8) & 0xff, value & 0xff];
}

function u24(value: number): number[] {
  return [(value >> 16) & 0xff, ...u16(value)];
}
