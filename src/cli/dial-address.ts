/** How to dial, in a URL, what a server listens on: nobody can dial "every address". */
export function dialAddress(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
