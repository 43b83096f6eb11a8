import { concat } from "./http-exchange.ts";

/** What a server said to a ClientHello, as far as it came in the clear. */
export interface ServerWords {
  /** The version it chose, as a number of the wire. */
  readonly version?: number;
  /** Its chain in DER, in the order in which it came; up to TLS 1.2 only, later ones encrypt it. */
  readonly chain?: readonly Uint8Array[];
  /** The number of a fatal alert. */
  readonly alert?: number;
  /** Nothing more that is of use will come. */
  readonly isOver: boolean;
}

const ALERT = 0x15;
const HANDSHAKE = 0x16;
const SERVER_HELLO = 2;
const CERTIFICATE = 11;
const SERVER_HELLO_DONE = 14;
const SUPPORTED_VERSIONS = 43;
const TLS_13 = 0x0304;
const RECORD_HEAD_BYTES = 5;
const MESSAGE_HEAD_BYTES = 4;

/** No alert is this number; it stands for an answer that is no TLS at all. */
export const NO_TLS = -1;

/** Reads what has come so far, from the beginning. */
export function readServerWords(bytes: Uint8Array): ServerWords {
  let messages: Uint8Array = new Uint8Array();
  for (const { type, data } of records(bytes)) {
    if (type === ALERT) return { ...readMessages(messages), alert: data[1] ?? 0, isOver: true };
    if (type === HANDSHAKE) messages = concat(messages, data);
    // Anything else is of TLS 1.3 and encrypted, or no TLS.
    else if (messages.length > 0) return { ...readMessages(messages), isOver: true };
    else return { alert: NO_TLS, isOver: true };
  }
  return readMessages(messages);
}

function* records(bytes: Uint8Array) {
  for (let place = 0; place + RECORD_HEAD_BYTES <= bytes.length; ) {
    const size = u16(bytes, place + 3);
    const start = place + RECORD_HEAD_BYTES;
    if (start + size > bytes.length && bytes[place] === HANDSHAKE) return;
    yield { type: bytes[place], data: bytes.slice(start, start + size) };
    place = start + size;
  }
}

function readMessages(bytes: Uint8Array): ServerWords {
  let words: ServerWords = { isOver: false };
  for (let place = 0; place + MESSAGE_HEAD_BYTES <= bytes.length; ) {
    const start = place + MESSAGE_HEAD_BYTES;
    const end = start + u24(bytes, place + 1);
    if (end > bytes.length) break;
    words = { ...words, ...understand(bytes[place] ?? 0, bytes.slice(start, end)) };
    place = end;
  }
  return words;
}

function understand(type: number, body: Uint8Array): Partial<ServerWords> {
  switch (type) {
    case SERVER_HELLO: {
      const version = versionIn(body);
      return { version, isOver: version >= TLS_13 };
    }
    case CERTIFICATE:
      return { chain: chainIn(body) };
    case SERVER_HELLO_DONE:
      return { isOver: true };
    default:
      return {};
  }
}

/** TLS 1.3 says 1.2 in the old place and itself in an extension (RFC 8446 §4.1.3). */
function versionIn(body: Uint8Array): number {
  const sessionSize = body[34] ?? 0;
  let place = 35 + sessionSize + 5;
  for (; place + 4 <= body.length; place += 4 + u16(body, place + 2)) {
    if (u16(body, place) === SUPPORTED_VERSIONS) return u16(body, place + 4);
  }
  return u16(body, 0);
}

function chainIn(body: Uint8Array): Uint8Array[] {
  const chain: Uint8Array[] = [];
  for (let place = 3; place + 3 <= body.length; ) {
    const size = u24(body, place);
    chain.push(body.slice(place + 3, place + 3 + size));
    place += 3 + size;
  }
  return chain;
}

function u16(bytes: Uint8Array, place: number): number {
  return ((bytes[place] ?? 0) << 8) | (bytes[place + 1] ?? 0);
}

function u24(bytes: Uint8Array, place: number): number {
  return ((bytes[place] ?? 0) << 16) | u16(bytes, place + 1);
}
