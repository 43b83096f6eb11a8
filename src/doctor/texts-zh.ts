import type { Catalogue } from "./texts.ts";
import { ZH_MACHINE } from "./texts-zh-machine.ts";
import { ZH_SERVICE } from "./texts-zh-service.ts";
import { ZH_WIRE } from "./texts-zh-wire.ts";

/** Everything a report says in Chinese. */
export const ZH: Catalogue = {
  texts: { ...ZH_WIRE, ...ZH_SERVICE, ...ZH_MACHINE },
  words: {
    refused: "被拒绝",
    timeout: "没有及时回答",
    reset: "被对方重置",
    unreachable: "没有通路",
    ended: "对方挂断了",
    too_long: "回答没有尽头",
    no_http: "收到的不是 HTTP",
    http2: "收到的是 HTTP/2",
    tls: "TLS 握手失败",
    unknown: "原因不明",
    idle_60: "60 秒是 nginx（proxy_read_timeout）、AWS ALB 和华为 ELB 的默认值",
    idle_100: "100 秒是 Cloudflare 的默认值",
    idle_300: "300 秒是华为 ELB 的 TCP 监听器的默认值",
    idle_350: "350 秒是 AWS NLB 的固定值",
    idle_900: "900 秒是阿里云 CLB 的 TCP 监听器的默认值",
    life_30: "30 秒是谷歌云负载均衡默认允许 websocket 存在的时间",
    idle_own: "不是已知的默认值；是有人设置的",
    runs_code: "会在程序里运行代码，或把它变成另一个程序",
    trusts_anyone: "会关闭对其他服务器证书的检查",
    leaks_keys: "会把 TLS 连接的密钥写入文件",
    upgrade_nginx:
      "改用 posthorn proxy nginx 打印的配置：这个 location 缺少关于 HTTP/1.1、Upgrade 和 Connection 的几行",
    upgrade_caddy:
      "改用 posthorn proxy caddy 打印的配置：其中没有针对 Upgrade 或 Connection 的 header_up 行",
    upgrade_apache:
      "改用 posthorn proxy apache 打印的配置：ProxyPass 带 upgrade=websocket，需要 Apache 2.4.47 或更新",
    upgrade_front:
      "让前面的代理转发 websocket：使用 HTTP/1.1 并带上 Upgrade 和 Connection 头（云负载均衡：启用 WebSocket）；posthorn proxy nginx|caddy|apache 会打印写法",
    path_nginx:
      "改用 posthorn proxy nginx 打印的配置，路径取自 server.public_url：其中的 proxy_pass 不多去也不少去",
    path_caddy:
      "改用 posthorn proxy caddy 打印的配置，路径取自 server.public_url：其中的 handle 不多去也不少去",
    path_apache:
      "改用 posthorn proxy apache 打印的配置，路径取自 server.public_url：其中的 ProxyPass 不多去也不少去",
    path_front:
      "让前面的代理原样转发路径，只去掉 server.public_url 里的那一段；posthorn proxy nginx|caddy|apache 会打印写法",
    files_server: "运行中的服务器",
    files_shell: "这个 shell（服务另有自己的限制）",
    check_tls: "证书与密钥",
    check_data: "保存数据",
    check_listen: "监听",
    check_proxies: "客户端地址",
    check_tokens: "令牌",
    check_clients: "客户端的权限",
    check_push: "唤醒终端",
    check_api: "服务端 API",
    check_logins: "小程序登录",
    check_webhooks: "Webhook",
  },
  areas: {
    visit: "检查",
    network: "网络",
    tls: "TLS",
    front: "HTTP",
    websocket: "Websocket",
    device: "终端",
    backend: "后端",
    config: "配置",
    machine: "机器",
    store: "数据",
  },
  labels: {
    ok: "正常",
    warning: "注意",
    error: "错误",
    why: "影响",
    remedy: "处理",
    well: "没有错误；注意 {warnings} 项（用时 {seconds} 秒）",
    ill: "错误 {errors} 项；注意 {warnings} 项（用时 {seconds} 秒）",
    looking: "正在检查 {place}；会保持一个连接 {seconds} 秒……",
  },
};
