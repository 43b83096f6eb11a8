const { loadDevices } = require("../../config.js");
const { readingOf } = require("../../reading.js");
const { texts } = require("../../texts.js");

Page({
  data: { texts, status: { state: "connecting" }, problem: "", devices: [] },

  onLoad() {
    const { posthorn } = getApp();
    this.setData({ status: posthorn.status });
    this.stops = [posthorn.on("status", (status) => this.setData({ status }))];
  },

  // Also when the user is back from a device: there may be new ones.
  onShow() {
    return loadDevices().then(
      (devices) => {
        this.setData({ problem: "" });
        for (const device of devices) this.add(device);
      },
      ({ message }) => this.setData({ problem: message }),
    );
  },

  onUnload() {
    for (const stop of this.stops) stop();
  },

  add({ id, name }) {
    const { devices } = this.data;
    if (devices.some((it) => it.id === id)) return;
    const place = `devices[${devices.length}]`;
    this.setData({ [place]: { id, name: name || id, isOnline: false, value: "" } });
    const device = getApp().posthorn.device(id);
    this.stops.push(
      device.on("online", (isOnline) => this.setData({ [`${place}.isOnline`]: isOnline })),
      device.on("event", (event) => {
        const reading = readingOf(event);
        if (reading !== undefined) this.setData({ [`${place}.value`]: reading.text });
      }),
    );
  },
});
