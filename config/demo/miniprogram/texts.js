const ENGLISH = {
  connecting: "Connecting…",
  connected: "Connected",
  paused: "Paused",
  stopped: "Stopped",
  closed: "Closed",
  none: "No terminal has called yet. Start one: posthorn demo-device",
  online: "online",
  offline: "offline",
  light: "Light",
  isOn: "on",
  isOff: "off",
  lightOn: "Light on",
  lightOff: "Light off",
  blink: "Blink",
  ping: "Ping",
  fail: "Fail",
  waiting: "Waiting for the terminal…",
  reported: "reported",
  desired: "desired",
};

const CHINESE = {
  connecting: "连接中…",
  connected: "已连接",
  paused: "已暂停",
  stopped: "已停止",
  closed: "已关闭",
  none: "还没有终端接入。请启动一个：posthorn demo-device",
  online: "在线",
  offline: "离线",
  light: "灯",
  isOn: "亮",
  isOff: "灭",
  lightOn: "开灯",
  lightOff: "关灯",
  blink: "闪烁",
  ping: "测试",
  fail: "失败",
  waiting: "等待终端应答…",
  reported: "上报值",
  desired: "期望值",
};

// Older versions of WeChat know only the second one.
const { language } = wx.getAppBaseInfo ? wx.getAppBaseInfo() : wx.getSystemInfoSync();

exports.texts = String(language).indexOf("zh") === 0 ? CHINESE : ENGLISH;
