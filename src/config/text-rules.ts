/** Whether a text can be the path of a file or directory. */
export function isPath(path: string): boolean {
  return path !== "" && !path.includes("\0");
}

/** Whether a text is the address of something to ask. Credentials in it would end up in logs. */
export function isWebUrl(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, username, password, hash } = new URL(address);
  return /^https?:$/.test(protocol) && `${username}${password}${hash}` === "";
}

/** Whether an address or host name can be reached from the machine itself only. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/.test(host);
}
