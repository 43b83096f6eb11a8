import { LIMITS } from "../core/limits.ts";

/** What the document says of the whole. */
export const ABOUT = {
  title: "Posthorn",
  summary: "Terminals post over HTTP, mini-program users listen over wss.",
  license: { name: "MIT", identifier: "MIT" },
  description: [
    "Times are milliseconds since 1970, durations are seconds. Every answer tells the server's time, as `server_time` or in the header `Server-Time`: a terminal's clock need not be right.",
    "A refusal is a problem (RFC 9457) whose `code` is stable. 408, 429, 500, 503, 507 and `key_in_flight` pass: send the same again, after the seconds in `Retry-After` where there are any. Any route may answer `store_busy` (429), `store_failed` and `draining` (503), and `store_full` (507) where the disk is full; any that wants a credential `credentials_rate_exceeded` (429), and any of the backend's `api_rate_exceeded` (429).",
    "A request that belongs to a trace says so by `traceparent` and `tracestate` (W3C Trace Context). Those of a post, a command or a publication are passed on as they are: to listeners as the tag `traceparent`, to the device with the command, to webhooks as headers. None is made up.",
    "A member of a body that is not known is an error that names it. Answers may get more members.",
    `Bodies are UTF-8, have at most ${LIMITS.bodyMaxBytes} bytes unless the server is configured otherwise, and may be packed with gzip or deflate. Payloads, \`data\` and \`meta\` among them, are passed on as they were written: numbers keep their digits.`,
    "What clients speak over websockets is not here: it is the Centrifugo client protocol, JSON form, at /connection/websocket and its siblings, and the ready made stream at /login.",
  ].join("\n\n"),
};

/** Who does what. */
export const TAGS = [
  { name: "devices", description: "What a terminal does, with the secret that is its own." },
  {
    name: "backend",
    description: "What the operator's backend does with devices, users and commands.",
  },
  {
    name: "server-api",
    description:
      'What the backend does with channels and clients, in the form of the Centrifugo server API. An error has status 200 and a body `{"error":{"code":…}}`, unless the request has the header `X-Centrifugo-Error-Mode: transport`.',
  },
  { name: "mini-program", description: "How users come to what lets their clients in." },
  { name: "operating", description: "Webhooks, health, figures and this document." },
];

/** The API key may also come as `Authorization: apikey <key>` and as `?api_key=`. */
export const SECURITY_SCHEMES = {
  deviceSecret: { type: "http", scheme: "bearer", description: "The secret of the device." },
  apiKey: {
    type: "apiKey",
    in: "header",
    name: "X-API-Key",
    description:
      "The API key of the backend. `Authorization: apikey <key>` and `?api_key=<key>` are the same.",
  },
  apiKeyBearer: { type: "http", scheme: "bearer", description: "The API key of the backend." },
  fleetKey: {
    type: "http",
    scheme: "bearer",
    description: "A key of the fleet, unless the body has it.",
  },
};
