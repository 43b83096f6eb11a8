import { expect, test } from "bun:test";
import { Gate } from "../../../src/sdk/gate.ts";

test("releasedAll() lets those pass who wait at other gates for the sockets that were cut", async () => {
  const frozen = new Gate();
  const other = new Gate();
  frozen.closing({});
  let isPassed = false;
  const passing = other.pass().then(() => {
    isPassed = true;
  });
  await null;
  expect(isPassed).toBe(false);
  frozen.releasedAll();
  await null;
  await null;
  expect(isPassed).toBe(true);
  await passing;
});
