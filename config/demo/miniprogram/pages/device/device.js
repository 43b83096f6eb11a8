const { own } = require("../../own.js");
const { readingOf } = require("../../reading.js");
const { texts } = require("../../texts.js");

const BARS_MAX = 24;

/** A button for each command: what it says, and what it sends. */
const BUTTONS = [
  { label: texts.lightOn, type: "light", data: { on: true } },
  { label: texts.lightOff, type: "light", data: { on: false } },
  { label: texts.blink, type: "blink", data: { times: 3 } },
  { label: texts.ping, type: "ping" },
  { label: texts.fail, type: "fail" },
];

Page({
  data: {
    texts,
    buttons: BUTTONS,
    status: { state: "connecting" },
    isOnline: false,
    problem: "",
    value: "–",
    values: [],
    bars: [],
    light: "–",
    state: [],
    answer: null,
  },

  onLoad({ id }) {
    const { posthorn } = getApp();
    wx.setNavigationBarTitle({ title: id });
    this.setData({ status: posthorn.status });
    this.device = posthorn.device(id);
    this.stops = [
      posthorn.on("status", (status) => this.setData({ status })),
      this.device.on("online", (isOnline) => this.setData({ isOnline })),
      this.device.on("state", (state) => this.showState(state)),
      this.device.on("event", (event) => this.showEvent(event)),
      this.device.on("problem", ({ text, remedy }) =>
        this.setData({ problem: `${text}: ${remedy}` }),
      ),
    ];
  },

  onUnload() {
    for (const stop of this.stops) stop();
  },

  showEvent(event) {
    const reading = readingOf(event);
    if (reading === undefined) return;
    const values = this.data.values.concat(reading.value).slice(-BARS_MAX);
    const least = Math.min.apply(null, values);
    const spread = Math.max(1, Math.max.apply(null, values) - least);
    const bars = values.map((value, place) => ({
      place,
      height: 10 + Math.round((90 * (value - least)) / spread),
    }));
    this.setData({ value: reading.text, values, bars });
  },

  showState({ reported, desired }) {
    const keys = new Set(Object.keys(reported).concat(Object.keys(desired)));
    const shown = (value) => (value === undefined ? "" : JSON.stringify(value));
    // Names stay values: as keys of what setData gets, "a.b" would be a path.
    const state = Array.from(keys, (key) => ({
      key,
      reported: shown(own(reported, key)),
      desired: shown(own(desired, key)),
    }));
    const words = reported.light ? texts.isOn : texts.isOff;
    this.setData({ state, light: reported.light === undefined ? "–" : words });
  },

  /** Sends the command of the button, and shows what the terminal answers and how long it took. */
  send({ currentTarget }) {
    const { type, data } = BUTTONS[currentTarget.dataset.index];
    const startedAt = Date.now();
    this.setData({ answer: { is: "waiting", type, text: texts.waiting, time: "" } });
    const show = (is, text) => {
      const time = `${Date.now() - startedAt} ms`;
      this.setData({ answer: { is, type, text, time } });
    };
    return this.device.command(type, data, { timeout: 10000 }).then(
      (answer) => show("ok", JSON.stringify(answer)),
      ({ code, message }) => show("bad", `${code}: ${message}`),
    );
  },
});
