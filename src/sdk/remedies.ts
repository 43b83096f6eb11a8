import type { ProblemCause } from "./posthorn.d.ts";

type Remedies = Readonly<Record<ProblemCause, string>>;

const ENGLISH: Remedies = {
  app_hidden: "None needed: the connection resumes when the app is shown",
  channel_denied: "Bind the device to this user, or name it in the ticket or token",
  connection_limit: "Close other connections of this user, or raise limits.clients_per_user",
  connection_lost: "None needed: the connection resumes by itself",
  domain_not_listed:
    "Add the host to the socket domains, and that which getTicket asks to the request domains: mp.weixin.qq.com, Development settings, Server domains",
  draining: "None needed: the server restarts and said when to come back",
  handshake_refused:
    "See why in the server's log (handshake.failed). Nothing there: what stands before it answered; check the proxy's Upgrade settings and the URL's path",
  headers_stripped: "Make the proxy pass on the Upgrade and Connection headers",
  network_unknown: "Check the phone's network, then the host and port of the URL",
  refused: "Look the code up in the README (When it closes), and in the server's log",
  replaced: "The same user connected elsewhere; call connect() to take over again",
  signed_out: "Sign the user in, then call connect()",
  ticket_failed: "Make getTicket answer: it failed or took too long, and will be asked again",
  ticket_missing: "This server wants a ticket or a token: give createPosthorn a getTicket",
  ticket_refused:
    "Give out a new ticket for every call of getTicket, and at once: it is good once, only at the server that issued it, and not after its restart",
  timed_out: "Check the port, the firewall, and whether it works over another network",
  tls_failed:
    "Serve the full certificate chain for this host; run posthorn check. Skipped checks hide this in the developer tools",
  token_expired: "None needed: getTicket is asked for a new one",
  token_invalid: "Sign tokens with the secret of this server",
  too_many_sockets: "Use one connection per app: close those that other code opens",
  unreachable: "Check that the server runs and that its port is open",
  url_invalid: "Give a url like wss://push.example.com",
};

/** In the words of WeChat's own menus, so that they can be found there. */
const CHINESE: Remedies = {
  app_hidden: "无需处理：小程序回到前台后，连接自动恢复",
  channel_denied: "把这台设备绑定给该用户，或在票据、令牌里写上它",
  connection_limit: "关闭该用户的其他连接，或调大 limits.clients_per_user",
  connection_lost: "无需处理：连接会自动恢复",
  domain_not_listed:
    "登录 mp.weixin.qq.com，在「开发管理 → 开发设置 → 服务器域名」的「socket合法域名」里加上该域名；getTicket 请求的域名加到「request合法域名」",
  draining: "无需处理：服务器正在重启，并已告知何时重连",
  handshake_refused:
    "原因见服务器日志的 handshake.failed；日志里没有，就是前面的代理应答了：检查它的 Upgrade 配置和 URL 的路径",
  headers_stripped: "让代理原样传递 Upgrade 和 Connection 头",
  network_unknown: "先检查手机网络，再核对 URL 里的主机名和端口",
  refused: "在 README 的「连接关闭时」里查这个代码，并查看服务器日志",
  replaced: "同一用户已在别处连接；要在这里接管，请调用 connect()",
  signed_out: "让用户登录，然后调用 connect()",
  ticket_failed: "让 getTicket 正常返回：它出错或超时了，稍后会再次调用",
  ticket_missing: "这台服务器要求票据或令牌：请给 createPosthorn 传入 getTicket",
  ticket_refused:
    "每次调用 getTicket 都取一张新票据并立即返回：票据只能用一次，只在签发它的服务器上有效，服务器重启后作废",
  timed_out: "检查端口和防火墙，再换一个网络试试",
  tls_failed:
    "为该域名部署完整的证书链，并运行 posthorn check。开发者工具里勾选「不校验合法域名…」会掩盖这个问题",
  token_expired: "无需处理：会自动调用 getTicket 取新的",
  token_invalid: "用这台服务器的密钥签发令牌",
  too_many_sockets: "整个小程序只用一条连接：关掉其他代码打开的连接",
  unreachable: "确认服务器正在运行，端口已放行",
  url_invalid: "url 要写成 wss://push.example.com 的样子",
};

/** What a developer can do about a problem, by the language it is told in. */
export const REMEDIES: Readonly<Record<"en" | "zh", Remedies>> = { en: ENGLISH, zh: CHINESE };
