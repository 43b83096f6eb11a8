const { own } = require("./own.js");

const UNITS = { temperature: " °C", humidity: " %" };

/** The first number that a device posted, or undefined: its name, its value, and how to show it. */
exports.readingOf = ({ data }) => {
  const found = Object.entries(Object(data)).find(([, value]) => typeof value === "number");
  if (found === undefined) return undefined;
  const [name, value] = found;
  const digits = name === "temperature" ? value.toFixed(1) : String(value);
  return { name, value, text: `${digits}${own(UNITS, name) || ""}` };
};
