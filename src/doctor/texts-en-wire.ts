import type { Texts } from "./texts.ts";

/** What is said in English of the network, TLS and whatever stands in front. */
export const EN_WIRE = {
  time_up: {
    found: "The visit was not over after {seconds} s; what follows is what it had seen by then",
    why: "Something answers so slowly that phones would have given up",
    remedy: "Look at what is in front of the server and at its load, then visit again",
  },
  name_found: { found: "{host} leads to {addresses}" },
  name_missing: {
    found: "{host} leads nowhere ({reason})",
    why: "Nobody finds the server by this name",
    remedy: "Add an A record (and AAAA where there is IPv6) for {host}, or correct the name",
  },
  name_private: {
    found: "{host} leads only to addresses of a private network: {addresses}",
    why: "Phones on a mobile network cannot reach them",
    remedy: "Point the name to the public address, unless all phones are in this network",
  },
  port_open: { found: "Port {port} takes connections at {addresses}, within {ms} ms" },
  port_closed: {
    found: "Port {port} of {address} takes no connection: {reason}",
    why: "Nothing can reach the server there",
    remedy:
      "Start the server, let the port through the firewall and the cloud's security group, or correct the port",
  },
  address_closed: {
    found: "Port {port} of {address} takes no connection: {reason}; other addresses of the name do",
    why: "Phones that try this address first wait, or fail",
    remedy: "Listen there too (server.host), or remove that DNS record",
  },
  tls_absent: {
    found: "{url} is without TLS",
    why: "Mini-programs connect by wss only, and everyone on the way reads secrets",
    remedy:
      "Set tls.cert and tls.key, or terminate TLS in front; plain is for a shop's own network",
  },
  tls_forgotten: {
    found: "{url} speaks TLS, and was asked without it",
    why: "Nothing gets an answer of Posthorn's there without TLS",
    remedy: "Call it by https (and wss) instead: posthorn doctor {secure}",
  },
  tls_failed: {
    found: "No TLS handshake succeeds: {reason}",
    why: "No phone can connect",
    remedy:
      "Look whether this port speaks TLS at all (tls.cert and tls.key), and at the server's log",
  },
  tls_versions: { found: "Speaks {versions}" },
  tls_old: {
    found: "Still speaks {versions}",
    why: "Those are broken, and audits fail on them; no phone that is served here needs them",
    remedy: "nginx: ssl_protocols TLSv1.2 TLSv1.3; a load balancer: choose a policy from TLS 1.2",
  },
  tls_12_missing: {
    found: "Does not speak TLS 1.2",
    why: "Android before 10 knows nothing newer, and such devices are many",
    remedy: 'Allow TLS 1.2 too (tls.min_version = "1.2", nginx: ssl_protocols TLSv1.2 TLSv1.3)',
  },
  chain_complete: { found: "Serves {count} certificates: {subjects}" },
  chain_hidden: {
    found: "TLS 1.3 hides the chain as it is served; what this machine makes of it:",
  },
  chain_incomplete: {
    found: "Serves only the certificate of {subject}, not that of its issuer {issuer}",
    why: 'Developer tools and desktops fill the gap, phones refuse: the usual cause of "works in the tools, not on the phone"',
    remedy: "Serve fullchain.pem: this server's certificate, then the intermediates",
  },
  chain_order: {
    found: "Certificate {place} of {count} ({subject}) did not sign the one before it",
    why: "Some clients go through the chain in order and stop there",
    remedy:
      "This server's certificate first, then each issuer once: cat server.pem intermediate.pem > fullchain.pem",
  },
  issuer_expired: {
    found: "Serves the issuer {subject}, which expired on {end}",
    why: "Old phones follow it and refuse",
    remedy: "Serve the intermediates that the CA hands out today",
  },
  certificate_valid: {
    found: "The certificate of {subject} is valid until {end}, {days} more days",
  },
  certificate_expired: {
    found: "The certificate of {subject} expired on {end}",
    why: "Every client refuses it",
    remedy:
      "Renew it and have the server load the new one; if it is not that late, set this machine's clock",
  },
  certificate_expiring: {
    found: "The certificate of {subject} expires on {end}, in {days} days",
    why: "From then on every client refuses it",
    remedy: "Renew it now, and find out why that did not happen by itself",
  },
  certificate_premature: {
    found: "The certificate of {subject} is not valid before {start}",
    why: "Clients refuse it until then, and devices whose clock is behind even longer",
    remedy: "Set this machine's clock; if it is right, wait or use another certificate",
  },
  certificate_self_signed: {
    found: "The certificate of {subject} is self-signed",
    why: "Phones refuse it, and nobody can make a mini-program trust it",
    remedy: "Use a certificate from a public CA",
  },
  certificate_too_long: {
    found: "The certificate is valid for {days} days in all, more than 398",
    why: "iPhones refuse it",
    remedy: "Have it issued for at most 398 days",
  },
  name_covered: { found: "The certificate is for {host} (it names {names})" },
  name_uncovered: {
    found: "The certificate of {subject} is not for {host}; it names {names}",
    why: "Every client refuses it",
    remedy: "Have it issued again with {host} in its subjectAltName, or dial a name that it has",
  },
  key_weak: {
    found: "The certificate has an RSA key of {bits} bits",
    why: "Clients refuse less than 2048",
    remedy: "Make a new key (ECDSA P-256 or RSA 2048) and have the certificate issued for it",
  },
  root_known: { found: "The chain ends at a public authority: {root}" },
  root_named: { found: "The chain ends at an authority you named (--ca): {root}" },
  root_unknown: {
    found: "The chain ends at {root}, which is no public authority ({reason})",
    why: "Phones trust public authorities only; devices only if their app brings this one along",
    remedy: "Use a certificate from a public CA; for a private one name its file here: --ca FILE",
  },
  root_young: {
    found: "The chain ends at {root}, which Android knows from {android} on",
    why: "Older devices refuse it, unless their app brings the root along",
    remedy:
      "Ship the root in the device app (network_security_config), or use a CA with an older root for them",
  },
  posthorn_found: { found: "Posthorn answers, within {ms} ms" },
  posthorn_missing: {
    found: "Somebody else answers, with {status}: {page}",
    why: "Devices and the backend get this answer instead of Posthorn's",
    remedy:
      "Point the proxy's paths /v1, /api, /login and /connection to Posthorn, or correct the URL",
  },
  posthorn_unready: {
    found: "The server says that it is not ready: {status} {code}",
    why: "Posts are not stored now",
    remedy: "Look at its log, and on its machine: posthorn doctor --config FILE",
  },
  http_missing: {
    found: "No HTTP answer: {reason}",
    why: "Neither devices nor phones get anything from it",
    remedy: "Look whether this port is the server's, and whether http and https are mixed up",
  },
  http2_only: {
    found: "It speaks HTTP/2 only",
    why: "Websockets of phones need HTTP/1.1",
    remedy: "Enable HTTP/1.1 on the listener in front, and towards the server",
  },
  front_named: { found: "In front of it stands: {names}" },
  front_none: { found: "Nothing in front of it names itself" },
  clock_right: { found: "Its clock and ours agree within {seconds} s" },
  clock_skewed: {
    found: "Its clock is {seconds} s ahead of ours",
    why: "Tokens and tickets end too early or too late; devices take their time from it",
    remedy: "Keep both machines' time by NTP: timedatectl set-ntp true",
  },
  plain_closed: { found: "Plain HTTP beside it is closed" },
  plain_redirects: { found: "Plain HTTP beside it leads to https ({status})" },
  plain_open: {
    found: "Plain HTTP beside it answers with {status} and does not lead to https",
    why: "Whoever forgets the s sends secrets in the clear",
    remedy: "Redirect it: nginx: return 308 https://$host$request_uri; or close port 80",
  },
} as const satisfies Partial<Texts>;
