// Phones of some years ago have no Object.hasOwn.
const has = Object.prototype.hasOwnProperty;

/** What stands in an object under a name that a device chose: every object also has a "constructor". */
exports.own = (object, name) => (has.call(object, name) ? object[name] : undefined);
