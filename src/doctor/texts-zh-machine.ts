import type { Texts } from "./texts.ts";

/** What is said in Chinese of the configuration and the machine. */
export const ZH_MACHINE = {
  check_passed: { found: "{about}：{found}" },
  check_warned: {
    found: "{about}：{found}",
    why: "服务器能启动，但有人会受影响（posthorn check 也这样说）",
    remedy: "{remedy}",
  },
  check_failed: {
    found: "{about}：{found}",
    why: "服务器无法启动，或启动了也无用（posthorn check 也这样说）",
    remedy: "{remedy}",
  },
  public_url_missing: {
    found: "没有设置 server.public_url",
    why: "无从检查证书是否包含手机所用的域名",
    remedy: '设为手机所用的地址：server.public_url = "https://push.example.com"',
  },
  secrets_apart: { found: "{count} 个密钥互不相同" },
  secrets_shared: {
    found: "{keys} 相同",
    why: "知道其中一个就知道了其余的，也无法单独更换",
    remedy: "各生成一个：openssl rand -base64 48",
  },
  secret_simple: {
    found: "{key} 用到的不同字符太少",
    why: "容易被试出来",
    remedy: "随机生成：openssl rand -base64 48",
  },
  config_private: { found: "其他用户读不到 {file}" },
  config_exposed: {
    found: "{file} 里有密钥，而本机的每个用户都能读（权限 {mode}）",
    why: "这里的任何程序都能拿走所有终端和用户的密钥",
    remedy: "运行：chmod o= {file}",
  },
  disk_roomy: { found: "数据所在的磁盘剩余 {free}，共 {total}" },
  disk_small: {
    found: "数据所在的磁盘只剩 {free}，共 {total}",
    why: "磁盘满了就什么都存不下，上报会被拒绝",
    remedy: "腾出空间，或把 server.data 移到更大的磁盘",
  },
  disk_full: {
    found: "数据所在的磁盘剩余 {free}，共 {total}",
    why: "什么都存不下：上报会被拒绝",
    remedy: "马上腾出空间，或把 server.data 移到更大的磁盘",
  },
  files_enough: { found: "{where}可以打开 {limit} 个文件；{wanted} 个就够了" },
  files_few: {
    found: "{where}可以打开 {limit} 个文件，limits.clients_max 需要 {wanted} 个",
    why: "文件数用尽的服务器不再接受连接，还会占满一个核",
    remedy:
      "在 systemd 单元里设 LimitNOFILE={wanted}（shell 里用 ulimit -n），或调低 limits.clients_max",
  },
  clock_wrong: {
    found: "本机时钟显示 {now}",
    why: "证书和令牌会因此失效",
    remedy: "校准并保持：timedatectl set-ntp true",
  },
  clock_kept: { found: "时钟由 {keeper} 保持" },
  clock_unkept: {
    found: "似乎没有程序在保持时钟准确",
    why: "时钟会漂移，令牌和票据会过早或过晚失效",
    remedy: "timedatectl set-ntp true，或安装 chrony；若由宿主机保持，则不必处理",
  },
  environment_clean: { found: "没有会改变程序的环境变量" },
  environment_odd: {
    found: "设置了环境变量 {name}；它{effect}",
    why: "它绕过配置，直接影响服务器",
    remedy: "取消它；在 systemd 单元里：UnsetEnvironment={name}",
  },
  handover_kept: { found: "net.ipv4.tcp_migrate_req 已打开：换证书时不丢连接" },
  handover_resets: {
    found: "net.ipv4.tcp_migrate_req 没有打开",
    why: "换上新证书时，少数刚开始的连接会被重置",
    remedy: "sysctl -w net.ipv4.tcp_migrate_req=1，并写入 /etc/sysctl.d/posthorn.conf",
  },
  data_exposed: {
    found: "本机的每个用户都能读 {path}（权限 {mode}）",
    why: "其中有终端的密钥（散列）和它们上报的一切",
    remedy: "运行：chmod o= {path}",
  },
  store_unwritable: {
    found: "无法写入 {path}：{reason}",
    why: "服务器无法启动",
    remedy: "运行：chown -R <运行 Posthorn 的用户> {path}；或更改 server.data",
  },
  store_none: { found: "还没有数据文件：首次启动时创建 {file}" },
  store_served: { found: "有服务器正在使用 {file}" },
  store_free: { found: "没有服务器在使用 {file}" },
  store_sound: { found: "{file} 完好（{size}）" },
  store_damaged: {
    found: "{file} 已损坏：{reason}",
    why: "其中的数据可能丢失，服务器可能无法启动",
    remedy: "停止服务器，从备份恢复该文件；损坏的那份请保留",
  },
  store_large: { found: "{file} 有 {size}，没有通读检查" },
} as const satisfies Partial<Texts>;
