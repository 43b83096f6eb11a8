const { loadDevices } = require("../../config.js");
const { readingOf } = require("../../reading.js");
const { texts } = require("../../texts.js");

const AGAIN_MS = 3000;

Page({
  data: { texts, status: { state: "connecting" }, problem: "", devices: [] },

  onLoad() {
    const { posthorn } = getApp();
    this.setData({ status: posthorn.status });
    this.stops = [
      posthorn.on("status", (status) => {
        this.setData({ status });
        // The list may have been asked for in vain meanwhile.
        if (status.state === "connected") this.load();
      }),
    ];
  },

  // Also when the user is back from a device: there may be new ones.
  onShow() {
    this.isShown = true;
    return this.load();
  },

  onHide() {
    this.isShown = false;
    clearTimeout(this.again);
  },

  onUnload() {
    this.onHide();
    this.isLeft = true;
    for (const stop of this.stops) stop();
  },

  load() {
    return loadDevices()
      .then(
        (devices) => this.show(devices, ""),
        ({ message }) => this.show([], message),
      )
      .then(() => this.planAgain());
  },

  show(devices, problem) {
    // Who listens now would do so for ever: what ends it has run.
    if (this.isLeft) return;
    this.setData({ problem });
    for (const device of devices) this.add(device);
  },

  /** Asks again while there is nothing to show, or no list. */
  planAgain() {
    clearTimeout(this.again);
    const { devices, problem } = this.data;
    if (!this.isShown || (devices.length > 0 && problem === "")) return;
    this.again = setTimeout(() => this.load(), AGAIN_MS);
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
