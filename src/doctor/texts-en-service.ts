import type { Texts } from "./texts.ts";

/** What is said in English of what the server does for phones, devices and the backend. */
export const EN_SERVICE = {
  socket_greeted: { found: "{path} opens a websocket and says hello ({ms} ms)" },
  socket_answered: {
    found: "{path} opens a websocket and answers without credentials: {code} {reason}",
  },
  socket_turned_away: {
    found: "{path} opens a websocket and sends away who brings no credentials: {code} {reason}",
  },
  socket_refused: {
    found: "{path} refuses the websocket with {status} {code}: {detail}",
    why: "No phone can listen",
    remedy: "{fix}",
  },
  socket_blocked: {
    found: "{path} does not reach Posthorn: something in front answers {status}: {page}",
    why: "No phone can listen",
    remedy:
      "Let websockets through there: HTTP/1.1, the Upgrade and Connection headers, the path as it is",
  },
  socket_failed: {
    found: "{path} opens no websocket: {reason}",
    why: "No phone can listen",
    remedy: "Look at what is in front: a firewall that knows HTTP but no websockets does this",
  },
  socket_dumb: {
    found: "{path} opens a websocket on which nothing comes ({ms} ms to open)",
    why: "Phones wait for the first message and give up",
    remedy: "Turn off buffering and websocket inspection in front",
  },
  pong_came: { found: "{path} answers a ping within {ms} ms" },
  pong_missing: {
    found: "{path} does not answer a ping of the websocket",
    why: "Something in front takes websockets apart; dead phones are found late",
    remedy: "Use a TCP listener in front, or a proxy that passes control frames",
  },
  signed_in: { found: "{path} lets the user in ({ms} ms)" },
  sign_in_refused: {
    found: "{path} does not let the user in: {code} {reason}",
    why: "Users with credentials like these get nothing",
    remedy:
      "A ticket works once and for 60 s; a token needs the server's tokens.secret and a clock that is right",
  },
  headers_kept: { found: "The handshake's headers arrive as they were sent" },
  connection_lost: {
    found: "Connection arrives as {got}, without upgrade",
    why: "It works here, and stops on a stricter server or runtime",
    remedy:
      "nginx: proxy_set_header Connection $connection_upgrade; and in http: map $http_upgrade $connection_upgrade { default upgrade; '' close; }; posthorn proxy nginx prints all it needs",
  },
  host_lost: {
    found: "Host arrives as {got}, sent was {wanted}",
    why: "Pages of your own host count as foreign then, and are refused",
    remedy: "nginx: proxy_set_header Host $http_host;",
  },
  subprotocol_kept: { found: "The subprotocol {name} is confirmed" },
  subprotocol_lost: {
    found: "The subprotocol {name} was offered and not confirmed",
    why: "Browsers and developer tools break the connection off then",
    remedy: "Pass the Sec-WebSocket-Protocol header in both directions",
  },
  subprotocol_foreign: {
    found: "A handshake that offers the unknown subprotocol {name} is refused or confirmed",
    why: "Phones whose framework offers one of its own cannot connect",
    remedy: "Let Posthorn answer the handshake: it passes over what it does not know",
  },
  page_refused: { found: "A page of a foreign origin is refused" },
  page_let_in: {
    found: "A page of any origin may connect",
    why: "Any website can then use what a user's browser holds for this server",
    remedy: "Name your own pages in clients.allowed_origins, and no *",
  },
  mini_program_let_in: { found: "The origin of mini-programs is let in" },
  mini_program_refused: {
    found: "The origin of mini-programs (https://servicewechat.com) is refused ({status})",
    why: "Mini-programs on some phones send it",
    remedy: "Remove the origin rule in front; Posthorn lets it in by itself",
  },
  idle_skipped: { found: "No socket was held open to see who cuts it" },
  idle_kept: {
    found: "A socket stayed open for {seconds} s, with {heartbeats} heartbeats answered",
  },
  idle_cut: {
    found:
      "A socket was cut without a close frame after {seconds} s, {silence} s of them silent: {whose}",
    why: "Phones lose the connection again and again and see only 1006",
    remedy:
      "Let silence last longer there than three heartbeats (nginx: proxy_read_timeout 120s), or shorten limits.ping_interval",
  },
  idle_closed: {
    found: "The server closed a socket after {seconds} s: {code} {reason}",
    why: "Phones would lose it too",
    remedy:
      "Look at the server's log at this moment; 4002 is a restart, 3012 a heartbeat that got lost",
  },
  event_stored: { found: "A device's post is stored (offset {offset}, {ms} ms)" },
  event_refused: {
    found: "A device's post is not taken: {status} {code} {detail}",
    why: "Devices keep their events and fill up",
    remedy:
      "Check id and secret (posthorn device list, rotate); 413 or HTML comes from a proxy: client_max_body_size 1m",
  },
  poll_held: { found: "A device's poll is held for {seconds} s and ends well" },
  poll_brought: {
    found: "A device's poll brought a command after {seconds} s (not acknowledged: it comes again)",
  },
  poll_cut: {
    found: "A device's poll of {wanted} s was cut after {seconds} s (status {status}): {whose}",
    why: "Devices get their commands late and ask all the time",
    remedy:
      "Let answers take 60 s in front (nginx: proxy_read_timeout 120s), or have devices poll shorter",
  },
  poll_refused: {
    found: "A device's poll is refused: {status} {code} {detail}",
    why: "Devices get no commands",
    remedy: "Check id and secret (posthorn device list, rotate)",
  },
  api_answered: { found: "The backend's key is good for the server API ({ms} ms)" },
  api_refused: {
    found: "The server API does not answer the backend: {status} {code} {detail}",
    why: "The backend can neither publish nor command",
    remedy: "Compare the key with api.keys, and let /api and its X-API-Key header through in front",
  },
} as const satisfies Partial<Texts>;
