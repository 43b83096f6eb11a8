/** How a socket that listens on IPv6 shows a peer that came by IPv4. */
const MAPPED_IPV4 = /^::ffff:(?=\d{1,3}(?:\.\d{1,3}){3}$)/i;

/** The address of a peer in its own family, so that rules and rates see one name for it. */
export function peerAddress(address: string | undefined): string {
  return (address ?? "").replace(MAPPED_IPV4, "");
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES:
    "this user may not listen there; for a port below 1024 set AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit, or run: setcap cap_net_bind_service=+ep <executable>",
  EADDRINUSE: "the address is in use",
};

/** Says which address could not be listened on, and why, whatever the runtime threw. */
export function listenError(
  { hostname, port }: { readonly hostname: string; readonly port: number },
  cause: unknown,
): Error {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const known = typeof code === "string" ? REASONS[code] : undefined;
  const reason = known ?? reasonOf(cause);
  return new Error(`Cannot listen on ${hostname} port ${port}: ${reason}`, { cause });
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
