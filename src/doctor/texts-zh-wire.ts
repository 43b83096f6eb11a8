import type { Texts } from "./texts.ts";

/** What is said in Chinese of the network, TLS and whatever stands in front. */
export const ZH_WIRE = {
  time_up: {
    found: "检查在 {seconds} 秒后仍未结束；以下是到那时为止看到的",
    why: "某处回答得太慢，手机早已放弃",
    remedy: "查看服务器前面的代理和服务器的负载，然后再检查一次",
  },
  name_found: { found: "{host} 指向 {addresses}" },
  name_missing: {
    found: "{host} 无法解析（{reason}）",
    why: "用这个域名谁也找不到服务器",
    remedy: "为 {host} 添加 A 记录（有 IPv6 时再加 AAAA），或改正域名",
  },
  name_private: {
    found: "{host} 只指向内网地址：{addresses}",
    why: "移动网络上的手机到不了这些地址",
    remedy: "把域名指向公网地址，除非所有手机都在这个内网里",
  },
  port_open: { found: "端口 {port} 可以连接：{addresses}，用时 {ms} 毫秒" },
  port_closed: {
    found: "{address} 的端口 {port} 连不上：{reason}",
    why: "从这里什么都到不了服务器",
    remedy: "启动服务器，在防火墙和云的安全组里放行该端口，或改正端口",
  },
  address_closed: {
    found: "{address} 的端口 {port} 连不上：{reason}；该域名的其他地址可以",
    why: "先尝试这个地址的手机会等待或失败",
    remedy: "让服务器也监听该地址（server.host），或删除这条 DNS 记录",
  },
  tls_absent: {
    found: "{url} 没有 TLS",
    why: "小程序只能用 wss 连接，而且沿途谁都能读到密钥",
    remedy: "设置 tls.cert 和 tls.key，或由前面的代理终结 TLS；明文只适合店内局域网",
  },
  tls_forgotten: {
    found: "{url} 使用 TLS，却被不带 TLS 地访问",
    why: "不用 TLS 在那里得不到 Posthorn 的回答",
    remedy: "改用 https（和 wss）：posthorn doctor {secure}",
  },
  tls_failed: {
    found: "TLS 握手无法完成：{reason}",
    why: "手机都连不上",
    remedy: "确认这个端口说的是 TLS（tls.cert 和 tls.key），并查看服务器日志",
  },
  tls_versions: { found: "支持 {versions}" },
  tls_old: {
    found: "仍然支持 {versions}",
    why: "这些版本已被攻破，过不了安全检查；这里服务的手机都不需要它们",
    remedy: "nginx：ssl_protocols TLSv1.2 TLSv1.3；负载均衡：选择 TLS 1.2 起的安全策略",
  },
  tls_12_missing: {
    found: "不支持 TLS 1.2",
    why: "安卓 10 之前只会到 TLS 1.2，这样的终端很多",
    remedy: '同时允许 TLS 1.2（tls.min_version = "1.2"，nginx：ssl_protocols TLSv1.2 TLSv1.3）',
  },
  chain_complete: { found: "送出 {count} 张证书：{subjects}" },
  chain_hidden: { found: "TLS 1.3 隐藏了实际送出的证书链；以下是本机的判断：" },
  chain_incomplete: {
    found: "只送出 {subject} 的证书，没有其签发者 {issuer} 的证书",
    why: "开发者工具和电脑会自己补上，手机会拒绝：“工具里正常，真机不行”多半因此",
    remedy: "使用 fullchain.pem：先是本服务器的证书，然后是中间证书",
  },
  chain_order: {
    found: "第 {place} 张证书（共 {count} 张，{subject}）没有签发它前面那一张",
    why: "有些客户端按顺序检查证书链，到这里就停下",
    remedy:
      "先放本服务器的证书，再依次放每个签发者一次：cat server.pem intermediate.pem > fullchain.pem",
  },
  issuer_expired: {
    found: "送出的签发者证书 {subject} 已于 {end} 过期",
    why: "旧手机会沿着它检查并拒绝",
    remedy: "使用 CA 现在发放的中间证书",
  },
  certificate_valid: { found: "{subject} 的证书有效期至 {end}，还有 {days} 天" },
  certificate_expired: {
    found: "{subject} 的证书已于 {end} 过期",
    why: "所有客户端都会拒绝",
    remedy: "续期并让服务器载入新证书；如果现在没到那个日期，请校准本机时钟",
  },
  certificate_expiring: {
    found: "{subject} 的证书将于 {end} 过期，还有 {days} 天",
    why: "从那时起所有客户端都会拒绝",
    remedy: "现在就续期，并查明为什么没有自动续期",
  },
  certificate_premature: {
    found: "{subject} 的证书在 {start} 之前无效",
    why: "在那之前客户端会拒绝，时钟慢的终端会拒绝更久",
    remedy: "校准本机时钟；如果时钟正确，请等待或换一张证书",
  },
  certificate_self_signed: {
    found: "{subject} 的证书是自签名的",
    why: "手机会拒绝，小程序也没有办法信任它",
    remedy: "使用公共 CA 签发的证书",
  },
  certificate_too_long: {
    found: "证书的总有效期是 {days} 天，超过 398 天",
    why: "iPhone 会拒绝",
    remedy: "重新签发，最长 398 天",
  },
  name_covered: { found: "证书包含 {host}（其中的名字：{names}）" },
  name_uncovered: {
    found: "{subject} 的证书不包含 {host}；其中的名字：{names}",
    why: "所有客户端都会拒绝",
    remedy: "重新签发，在 subjectAltName 中加入 {host}，或使用证书里有的名字",
  },
  key_weak: {
    found: "证书的 RSA 密钥只有 {bits} 位",
    why: "客户端会拒绝少于 2048 位的密钥",
    remedy: "生成新密钥（ECDSA P-256 或 RSA 2048），并为它签发证书",
  },
  root_known: { found: "证书链的终点是公共 CA：{root}" },
  root_named: { found: "证书链的终点是你指明的 CA（--ca）：{root}" },
  root_unknown: {
    found: "证书链的终点是 {root}，不是公共 CA（{reason}）",
    why: "手机只信任公共 CA；终端只有在应用自带该 CA 时才信任",
    remedy: "使用公共 CA 签发的证书；私有 CA 请在这里指明其文件：--ca FILE",
  },
  root_young: {
    found: "证书链的终点是 {root}，安卓从 {android} 起才认识它",
    why: "更旧的终端会拒绝，除非应用自带这个根证书",
    remedy: "在终端应用里带上根证书（network_security_config），或为它们换一家根证书更老的 CA",
  },
  posthorn_found: { found: "Posthorn 有回答，用时 {ms} 毫秒" },
  posthorn_missing: {
    found: "回答的不是 Posthorn，状态 {status}：{page}",
    why: "终端和后端得到的是这个回答，而不是 Posthorn 的",
    remedy: "让代理把 /v1、/api、/login 和 /connection 转给 Posthorn，或改正 URL",
  },
  posthorn_unready: {
    found: "服务器说自己未就绪：{status} {code}",
    why: "现在上报的内容存不下来",
    remedy: "查看它的日志，并在那台机器上运行：posthorn doctor --config FILE",
  },
  http_missing: {
    found: "没有 HTTP 回答：{reason}",
    why: "终端和手机什么都得不到",
    remedy: "确认这个端口属于该服务器，以及没有混淆 http 和 https",
  },
  http2_only: {
    found: "只支持 HTTP/2",
    why: "手机的 websocket 需要 HTTP/1.1",
    remedy: "在前面的监听器上以及到服务器的方向上启用 HTTP/1.1",
  },
  front_named: { found: "前面有：{names}" },
  front_none: { found: "前面没有自报名字的代理" },
  clock_right: { found: "两边的时钟一致，相差 {seconds} 秒" },
  clock_skewed: {
    found: "它的时钟比本机快 {seconds} 秒",
    why: "令牌和票据会过早或过晚失效；终端以它的时间为准",
    remedy: "用 NTP 校准两台机器的时间：timedatectl set-ntp true",
  },
  plain_closed: { found: "旁边的明文 HTTP 端口是关闭的" },
  plain_redirects: { found: "旁边的明文 HTTP 会转到 https（{status}）" },
  plain_open: {
    found: "旁边的明文 HTTP 回答 {status}，没有转到 https",
    why: "忘写 s 的人会用明文送出密钥",
    remedy: "做跳转：nginx：return 308 https://$host$request_uri; 或关闭 80 端口",
  },
} as const satisfies Partial<Texts>;
