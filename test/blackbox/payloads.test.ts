import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { FIRST_OFFSET } from "../support/device.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { startSite } from "../support/site.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

/** JSON that a parse and a write would change, each with what a subscriber must get. */
const PAYLOADS: readonly (readonly [name: string, posted: string, delivered?: string])[] = [
  ["an integer beyond 2^53", "9007199254740993"],
  ["a number with a needless zero", '{"t":1.0}'],
  ["exponents as written", "[1E5,1e-7,-0,-0.0,1.50e+2]"],
  ["integer-like keys in an odd order", '{"b":1,"10":2,"2":3,"a":4}'],
  ["equal keys twice", '{"k":1,"k":2}'],
  ["emoji and other planes", '"🚪📯 𝕊 日本語"'],
  ["U+2028 and U+2029 as they are", '"a\u2028b\u2029c"'],
  ["escapes as written", '"\\u0041\\/\\u2028\\ud83d\\udeaa\\n"'],
  ["an unpaired surrogate escape", '"\\ud800"'],
  ["a prototype key", '{"__proto__":{"x":1},"constructor":null}'],
  ["what looks like the envelope", '{"data":{"id":"x","push":{}},"id":"y","type":"z"}'],
  ["white space inside", '{ "a" :\t[ 1 , 2 ] }'],
  ["line breaks between tokens", '{\r\n  "a": [\n    1.0\n  ]\r\n}', '{  "a": [    1.0  ]}'],
  ["nothing", "null"],
  ["an empty text", '""'],
  ["deep nesting", `${"[".repeat(200)}${"]".repeat(200)}`],
];

describe.each(TARGETS)("payloads through $name", (target) => {
  test("reach subscribers byte for byte, live and recovered", async () => {
    await using site = await startSite(target);
    const token = signToken({ sub: "u", devices: ["42"] });
    const address = `${site.server.wsUrl}/login?token=${token}`;
    using live = await FrameSocket.open(address);
    const hello = JSON.parse(await live.line(({ push }) => push?.connect !== undefined, "hello"));
    const { epoch } = hello.push.connect.subs["device:42"];

    for (const [name, posted] of PAYLOADS) {
      const { results } = await site.device.postRaw(
        `{"id":"${name}","type":"t","time":1,"data":${posted}}`,
      );
      expect(results[0]?.error).toBeUndefined();
    }
    const wanted = PAYLOADS.map(
      ([name, posted, delivered = posted]) =>
        `{"id":"${name}","type":"t","device":"42","time":1,"data":${delivered}}`,
    );

    for (const [index, data] of wanted.entries()) {
      const offset = FIRST_OFFSET + index;
      expect(await live.publication("device:42", offset)).toBe(
        `{"push":{"channel":"device:42","pub":{"data":${data},"offset":${offset}}}}`,
      );
    }
    using late = await FrameSocket.open(`${address}&since=${epoch}:${FIRST_OFFSET - 1}`);
    const recovered = await late.line(({ push }) => push?.connect !== undefined, "hello");
    const publications = wanted.map(
      (data, index) => `{"data":${data},"offset":${FIRST_OFFSET + index}}`,
    );
    expect(recovered).toContain(`"publications":[${publications.join()}]`);
  });

  test("survive arrays and lines of events as well", async () => {
    await using site = await startSite(target);
    const token = signToken({ sub: "u", devices: ["42"] });
    using live = await FrameSocket.open(`${site.server.wsUrl}/login?token=${token}`);
    await live.line(({ push }) => push?.connect !== undefined, "hello");
    const event =
      '{"data":[9007199254740993,1.0],"id":"ID","type":"t","time":"1970-01-01T00:00:00Z"}';

    await site.device.postRaw(`[ ${event.replace("ID", "a")} , ${event.replace("ID", "b")} ]`);
    await site.device.postRaw(`${event.replace("ID", "c")}\n${event.replace("ID", "d")}`, {
      "content-type": "application/x-ndjson",
    });

    for (const [index, id] of ["a", "b", "c", "d"].entries()) {
      expect(await live.publication("device:42", FIRST_OFFSET + index)).toContain(
        `{"id":"${id}","type":"t","device":"42","time":"1970-01-01T00:00:00Z","data":[9007199254740993,1.0]}`,
      );
    }
  });
});
