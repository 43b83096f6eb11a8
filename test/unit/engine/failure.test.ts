import { expect, test } from "bun:test";
import { Fault } from "../../../src/core/faults.ts";
import { toError, toFailure } from "../../../src/engine/sqlite/failure.ts";

/** What the other thread gets. */
const cross = (error: unknown): Error => toError(structuredClone(toFailure(error)));

test("a fault crosses threads with its code, its detail and its message", () => {
  const fault = new Fault("device_meta_too_large", { detail: "it would have 9 characters" });
  const crossed = cross(fault);
  expect(crossed).toBeInstanceOf(Fault);
  expect(crossed).toMatchObject({ code: fault.code, detail: fault.detail ?? "" });
  expect(crossed.message).toBe("Cannot keep device meta: it would have 9 characters");
});

test("a fault without a detail crosses threads without one", () => {
  const crossed = cross(new Fault("state_conflict"));
  expect(crossed instanceof Fault && [crossed.code, crossed.detail]).toEqual([
    "state_conflict",
    undefined,
  ]);
});

test("trouble of the store crosses threads as store_full or store_failed, a bug as a bug", () => {
  const full = cross(Object.assign(new Error("database or disk is full"), { errcode: 13 }));
  expect(full instanceof Fault && [full.code, full.detail]).toEqual([
    "store_full",
    "the disk is full",
  ]);
  const broken = cross(Object.assign(new Error("disk I/O error"), { errcode: 10 }));
  expect(broken instanceof Fault && [broken.code, broken.detail]).toEqual([
    "store_failed",
    "the disk failed",
  ]);
  const untold = cross(new Error("database is locked"));
  expect(untold instanceof Fault && untold.code).toBe("store_failed");
  const bug = cross(new TypeError("x is undefined"));
  expect(bug).not.toBeInstanceOf(Fault);
  expect(bug.message).toBe("x is undefined");
});
