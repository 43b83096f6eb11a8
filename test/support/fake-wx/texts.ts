/** The systems whose WeChat differs in its words. */
export type System = "android" | "ios";

/** The words of WeChat for what went wrong, as developers have reported them. */
export const TEXTS = {
  invalidUrl: { errno: 600009, errMsg: "connectSocket:fail invalid url" },
  notInDomainList: { errno: 600002, errMsg: "createSocketTask:fail url not in domain list" },
  tooMany: { errMsg: "createSocketTask:fail wcwss taskID=9 exceed max concurrent count" },
  protocolsNoArray: {
    errMsg:
      "connectSocket:fail parameter error: parameter.protocols should be Array instead of String",
  },
  interrupted: { errno: 600003, errMsg: "fail interrupted" },
  notConnected: { errMsg: "SocketTask.send:fail WebSocket is not connected" },
  closedBefore: { errMsg: "closeSocket:fail wcwss taskID not exist" },
  badCode: { errMsg: "SocketTask.close:fail invalid code" },
  longReason: { errMsg: "SocketTask.close:fail reason must not be greater than 123 bytes" },
  status: { errMsg: "exception onOpen fail code:20, msg:Invalid HTTP status." },
  tls: { errMsg: "exception onOpen fail code:8, msg:TLS handshake failed" },
  timeout: { errMsg: "exception onOpen fail code:9, msg:Timer Expired" },
  transport: { errMsg: "exception onOpen fail code:2, msg:Underlying Transport Error" },
} as const;

/** How each system reports a connection that ended without a close frame. */
export const CUT = {
  android: { code: 1006, reason: "abnormal closure" },
  ios: { code: 1001, reason: "Stream end encountered" },
} as const satisfies Record<System, { code: number; reason: string }>;

/** What WeChat says of a failure that Bun's own WebSocket has described. */
export function textOfFailure(message: string): { readonly errMsg: string } {
  if (/101/.test(message)) return TEXTS.status;
  if (/tls|ssl|certificate/i.test(message)) return TEXTS.tls;
  return TEXTS.transport;
}
