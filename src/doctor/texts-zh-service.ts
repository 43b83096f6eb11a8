import type { Texts } from "./texts.ts";

/** What is said in Chinese of what the server does for phones, devices and the backend. */
export const ZH_SERVICE = {
  socket_greeted: { found: "{path} 能打开 websocket 并问好（{ms} 毫秒）" },
  socket_answered: { found: "{path} 能打开 websocket，对没有凭证者的回答：{code} {reason}" },
  socket_turned_away: { found: "{path} 能打开 websocket，会请没有凭证者离开：{code} {reason}" },
  socket_refused: {
    found: "{path} 拒绝 websocket，{status} {code}：{detail}",
    why: "手机都无法接收",
    remedy: "{fix}",
  },
  socket_blocked: {
    found: "{path} 到不了 Posthorn：前面的代理回答 {status}：{page}",
    why: "手机都无法接收",
    remedy: "在那里放行 websocket：HTTP/1.1、Upgrade 和 Connection 头、路径原样转发",
  },
  socket_failed: {
    found: "{path} 打不开 websocket：{reason}",
    why: "手机都无法接收",
    remedy: "查看前面的设备：只懂 HTTP 不懂 websocket 的防火墙会这样",
  },
  socket_dumb: {
    found: "{path} 能打开 websocket（{ms} 毫秒），但什么都没有收到",
    why: "手机等不到第一条消息就会放弃",
    remedy: "关闭前面的缓冲和 websocket 检查",
  },
  pong_came: { found: "{path} 在 {ms} 毫秒内回应 ping" },
  pong_missing: {
    found: "{path} 不回应 websocket 的 ping",
    why: "前面有东西拆开了 websocket；断掉的手机会很晚才被发现",
    remedy: "前面改用 TCP 监听器，或换用会转发控制帧的代理",
  },
  signed_in: { found: "{path} 让用户登录了（{ms} 毫秒）" },
  sign_in_refused: {
    found: "{path} 不让用户登录：{code} {reason}",
    why: "持有这种凭证的用户什么都收不到",
    remedy: "票据只能用一次，60 秒内有效；令牌需要服务器的 tokens.secret 和正确的时钟",
  },
  headers_kept: { found: "握手的请求头原样到达" },
  connection_lost: {
    found: "Connection 到达时是 {got}，没有 upgrade",
    why: "在这里能用，换到更严格的服务器或运行时就不行",
    remedy:
      "nginx：proxy_set_header Connection $connection_upgrade; 并在 http 中：map $http_upgrade $connection_upgrade { default upgrade; '' close; }；posthorn proxy nginx 会打印完整配置",
  },
  host_lost: {
    found: "Host 到达时是 {got}，发出的是 {wanted}",
    why: "你自己域名的网页会被当作外来网页而遭拒绝",
    remedy: "nginx：proxy_set_header Host $http_host;",
  },
  subprotocol_kept: { found: "子协议 {name} 得到确认" },
  subprotocol_lost: {
    found: "提出了子协议 {name}，却没有得到确认",
    why: "浏览器和开发者工具会因此断开连接",
    remedy: "双向转发 Sec-WebSocket-Protocol 头",
  },
  subprotocol_foreign: {
    found: "提出未知子协议 {name} 的握手被拒绝，或该子协议被确认",
    why: "所用框架自带子协议的手机会连不上",
    remedy: "让 Posthorn 自己回答握手：不认识的子协议它会略过",
  },
  page_refused: { found: "外来网页被拒绝" },
  page_let_in: {
    found: "任何来源的网页都可以连接",
    why: "任何网站都能利用用户浏览器里保存的、属于这台服务器的东西",
    remedy: "在 clients.allowed_origins 里列出自己的网页，不要用 *",
  },
  mini_program_let_in: { found: "小程序的来源可以进来" },
  mini_program_refused: {
    found: "小程序的来源（https://servicewechat.com）被拒绝（{status}）",
    why: "有些手机上的小程序会发送它",
    remedy: "去掉前面代理的来源规则；Posthorn 本来就允许它",
  },
  idle_skipped: { found: "没有保持连接来观察谁会切断它" },
  idle_kept: { found: "连接保持了 {seconds} 秒，回应了 {heartbeats} 次心跳" },
  idle_cut: {
    found: "连接在 {seconds} 秒后被切断，没有关闭帧，其中静默 {silence} 秒：{whose}",
    why: "手机会一再掉线，只看到 1006",
    remedy:
      "让那里允许的静默超过三次心跳（nginx：proxy_read_timeout 120s），或缩短 limits.ping_interval",
  },
  idle_closed: {
    found: "服务器在 {seconds} 秒后关闭了连接：{code} {reason}",
    why: "手机也会掉线",
    remedy: "查看服务器在这一刻的日志；4002 是重启，3012 是心跳丢失",
  },
  event_stored: { found: "终端的上报已存储（offset {offset}，{ms} 毫秒）" },
  event_refused: {
    found: "终端的上报没有被接收：{status} {code} {detail}",
    why: "终端只能把事件留在自己那里，直到存满",
    remedy:
      "检查编号和密钥（posthorn device list、rotate）；413 或 HTML 来自代理：client_max_body_size 1m",
  },
  poll_held: { found: "终端的轮询挂起了 {seconds} 秒并正常结束" },
  poll_brought: { found: "终端的轮询在 {seconds} 秒后拿到一条命令（没有确认：它会再来）" },
  poll_cut: {
    found: "终端 {wanted} 秒的轮询在 {seconds} 秒后被切断（状态 {status}）：{whose}",
    why: "终端拿到命令会晚，而且会不停地问",
    remedy: "让前面的代理允许回答用 60 秒（nginx：proxy_read_timeout 120s），或让终端缩短轮询",
  },
  poll_refused: {
    found: "终端的轮询被拒绝：{status} {code} {detail}",
    why: "终端拿不到命令",
    remedy: "检查编号和密钥（posthorn device list、rotate）",
  },
  api_answered: { found: "后端的密钥可以使用服务端 API（{ms} 毫秒）" },
  api_refused: {
    found: "服务端 API 不回答后端：{status} {code} {detail}",
    why: "后端既不能发布也不能下发命令",
    remedy: "把密钥与 api.keys 比对，并让前面的代理放行 /api 及其 X-API-Key 头",
  },
} as const satisfies Partial<Texts>;
