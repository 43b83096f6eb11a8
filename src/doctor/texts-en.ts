import type { Catalogue } from "./texts.ts";
import { EN_MACHINE } from "./texts-en-machine.ts";
import { EN_SERVICE } from "./texts-en-service.ts";
import { EN_WIRE } from "./texts-en-wire.ts";

/** Everything a report says in English. */
export const EN: Catalogue = {
  texts: { ...EN_WIRE, ...EN_SERVICE, ...EN_MACHINE },
  words: {
    refused: "refused",
    timeout: "no answer in time",
    reset: "reset by the other side",
    unreachable: "no way there",
    ended: "the other side hung up",
    too_long: "the answer does not end",
    no_http: "what came is no HTTP",
    http2: "what came is HTTP/2",
    tls: "the handshake of TLS failed",
    unknown: "for an unknown reason",
    idle_60: "60 s is the default of nginx (proxy_read_timeout), AWS ALB and Huawei ELB",
    idle_100: "100 s is the default of Cloudflare",
    idle_300: "300 s is the default of TCP listeners of Huawei ELB",
    idle_350: "350 s is fixed in AWS NLB",
    idle_900: "900 s is the default of TCP listeners of Alibaba CLB",
    life_30: "30 s is how long Google Cloud's balancer lets any websocket live by default",
    idle_own: "no default we know of; somebody configured it",
    runs_code: "runs code in it or turns it into another program",
    trusts_anyone: "turns off the check of other servers' certificates",
    leaks_keys: "writes the keys of TLS connections to a file",
    upgrade_nginx:
      "Use what posthorn proxy nginx prints: this location lacks lines for HTTP/1.1, Upgrade and Connection",
    upgrade_caddy:
      "Use what posthorn proxy caddy prints: it has no header_up lines for Upgrade or Connection",
    upgrade_apache:
      "Use what posthorn proxy apache prints: ProxyPass with upgrade=websocket, from Apache 2.4.47 on",
    upgrade_front:
      "Have what is in front pass websockets on, with HTTP/1.1 and the Upgrade and Connection headers (a cloud's balancer: enable WebSocket); posthorn proxy nginx|caddy|apache prints how",
    path_nginx:
      "Use what posthorn proxy nginx prints, with the path of server.public_url: its proxy_pass takes off no more and no less",
    path_caddy:
      "Use what posthorn proxy caddy prints, with the path of server.public_url: its handle takes off no more and no less",
    path_apache:
      "Use what posthorn proxy apache prints, with the path of server.public_url: its ProxyPass takes off no more and no less",
    path_front:
      "Have what is in front pass paths on as they are, less the path of server.public_url; posthorn proxy nginx|caddy|apache prints how",
    files_server: "in the server that runs",
    files_shell: "in this shell (a service has limits of its own)",
    check_tls: "The certificate and its key",
    check_data: "Keeping data",
    check_listen: "Listening",
    check_proxies: "Addresses of clients",
    check_tokens: "Tokens",
    check_clients: "What clients may",
    check_push: "Waking devices",
    check_api: "The server API",
    check_logins: "Logins of mini-programs",
    check_webhooks: "Webhooks",
  },
  areas: {
    visit: "Visit",
    network: "Network",
    tls: "TLS",
    front: "HTTP",
    websocket: "Websocket",
    device: "Device",
    backend: "Backend",
    config: "Configuration",
    machine: "Machine",
    store: "Store",
  },
  labels: {
    ok: "ok",
    warning: "warn",
    error: "FAIL",
    why: "why",
    remedy: "fix",
    well: "Nothing is wrong; warnings: {warnings} ({seconds} s)",
    ill: "Errors: {errors}; warnings: {warnings} ({seconds} s)",
    looking: "Looking at {place}; a socket is held for {seconds} s …",
  },
};
