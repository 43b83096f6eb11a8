/** The lines of nginx on which a handshake depends. */
export const NGINX_LINES = {
  version: "proxy_http_version 1.1;",
  upgrade: "proxy_set_header Upgrade $http_upgrade;",
  connection: "proxy_set_header Connection $connection_upgrade;",
  host: "proxy_set_header Host $http_host;",
} as const;

/** What the variable in the Connection line needs. */
const NGINX_MAP = "map $http_upgrade $connection_upgrade { default upgrade; '' close; }";

const APACHE_FIX =
  'Apache 2.4.47 or later: ProxyPass "/login" "http://127.0.0.1:8077/login" upgrade=websocket';

/** For what is no program of one's own. */
export const GATEWAY_FIX =
  "Cloud load balancer: enable WebSocket and HTTP/1.1 towards the server, or use a TCP listener";

/** How each proxy leaves a path as it is. */
export const PATH_FIXES: readonly string[] = [
  "nginx: location /login { proxy_pass http://127.0.0.1:8077; } with nothing after the port, not even a slash",
  "Caddy: use handle, not handle_path",
  APACHE_FIX,
];

/** How each proxy passes a handshake on; `nginxLines` are those that nginx seems to lack. */
export function proxyFixes(nginxLines: readonly string[]): readonly string[] {
  const map = nginxLines.includes(NGINX_LINES.connection) ? ` and in http: ${NGINX_MAP}` : "";
  return [
    `nginx: add to the location: ${nginxLines.join(" ")}${map}`,
    "Caddy: reverse_proxy passes websockets by itself; remove header_up lines for Upgrade or Connection",
    APACHE_FIX,
    GATEWAY_FIX,
  ];
}
