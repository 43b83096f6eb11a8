import { expect, test } from "bun:test";
import type { ReplyMessage, RequestMessage } from "../../../src/engine/sqlite/wire.ts";
import {
  createWorkerLink,
  type WorkerEvent,
  type WorkerLike,
} from "../../../src/engine/sqlite/worker-link.ts";

class FakeWorker implements WorkerLike {
  readonly sent: RequestMessage[] = [];
  terminated = 0;
  prevented = 0;
  readonly #listeners = new Map<string, (event: WorkerEvent) => void>();

  postMessage(message: RequestMessage): void {
    this.sent.push(message);
  }

  addEventListener(type: string, listener: (event: WorkerEvent) => void): void {
    this.#listeners.set(type, listener);
  }

  terminate(): void {
    this.terminated += 1;
  }

  reply(data: ReplyMessage): void {
    this.#emit("message", { data });
  }

  die(type: "error" | "messageerror" | "close"): void {
    this.#emit(type, { message: "it broke" });
  }

  #emit(type: string, event: Omit<WorkerEvent, "preventDefault">): void {
    const preventDefault = () => {
      this.prevented += 1;
    };
    this.#listeners.get(type)?.({ ...event, preventDefault });
  }
}

function setUp() {
  const worker = new FakeWorker();
  const deaths: Error[] = [];
  const link = createWorkerLink(worker, {
    epitaph: "the thread ended",
    died: (error) => deaths.push(error),
  });
  return { worker, link, deaths, ask: () => link.request({ type: "close" }) };
}

const failure = (promise: Promise<unknown>) => promise.then(() => "resolved", String);

test("request() resolves with the reply to its own id", async () => {
  const { worker, ask } = setUp();
  const asked = [ask(), ask()];
  const [first, second] = worker.sent.map(({ id }) => id);
  worker.reply({ id: second ?? 0, ok: true, value: "second" });
  worker.reply({ id: first ?? 0, ok: true, value: "first" });
  expect(await Promise.all(asked)).toEqual(["first", "second"]);
});

test("request() rejects with what the worker threw", async () => {
  const { worker, ask } = setUp();
  const asked = ask();
  worker.reply({ id: worker.sent[0]?.id ?? 0, ok: false, failure: { message: "Cannot open x" } });
  expect(await failure(asked)).toBe("Error: Cannot open x");
});

test.each(["error", "messageerror", "close"] as const)(
  "a worker's %s rejects what is pending and what comes later, and is told once",
  async (type) => {
    const { worker, link, deaths, ask } = setUp();
    const asked = [ask(), ask()].map(failure);
    worker.die(type);
    worker.die("close");
    const refusal = "Fault: Cannot store: the thread ended";
    expect(await Promise.all(asked)).toEqual([refusal, refusal]);
    expect(await failure(ask())).toBe(refusal);
    expect(link.isAlive()).toBe(false);
    expect(deaths.map(String)).toEqual([refusal]);
    expect(worker.sent).toHaveLength(2);
    expect(worker.terminated).toBe(1);
  },
);

test("a worker's error never reaches the runtime, which would end the process", () => {
  const { worker } = setUp();
  worker.die("error");
  expect(worker.prevented).toBe(1);
});

test("end() terminates the worker and makes its death no news", async () => {
  const { worker, link, deaths, ask } = setUp();
  link.end();
  worker.die("close");
  expect(worker.terminated).toBe(1);
  expect(deaths).toEqual([]);
  expect(await failure(ask())).toBe("Fault: Cannot store: the store is closed");
});
