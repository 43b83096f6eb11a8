import { describe, expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { clientHello } from "../../../src/doctor/client-hello.ts";
import { hold } from "../../../src/doctor/hold.ts";
import { ask } from "../../../src/doctor/http-exchange.ts";
import { NO_TLS, readServerWords } from "../../../src/doctor/server-hello.ts";
import { type Message, shakeHands } from "../../../src/doctor/websocket.ts";
import { openWire, troubleOf, WireTrouble } from "../../../src/doctor/wire.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** A peer on a port of its own that answers whatever comes as the test says. */
async function peer(answer: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("data", () => answer(socket));
  });
  const { promise, resolve } = Promise.withResolvers<number>();
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    if (address !== null && typeof address === "object") resolve(address.port);
  });
  const port = await promise;
  return {
    port,
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const QUESTION = { method: "GET", path: "/", authority: "x" } as const;

async function askPeer(answer: (socket: Socket) => void, clock = systemClock) {
  using server = await peer(answer);
  using wire = await openWire({ address: "127.0.0.1", port: server.port }, clock);
  return await ask(wire, QUESTION);
}

async function troubleWith(answer: (socket: Socket) => void): Promise<string> {
  return await askPeer(answer).then(() => "none", troubleOf);
}

describe("ask()", () => {
  test("reads an answer whose length is told, however it is cut", async () => {
    const got = await askPeer((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Le");
      socket.write("ngth: 5\r\nX-Name:  a b \r\n\r\nhe");
      socket.write("llo and more");
    });
    expect(got).toMatchObject({ status: 200, body: "hello" });
    expect(got.headers.get("x-name")).toBe("a b");
  });

  test("reads chunks", async () => {
    const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const got = await askPeer((socket) =>
      socket.write(`${head}3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n`),
    );
    expect(got.body).toBe("abcde");
  });

  test("takes what it got of a body that breaks off", async () => {
    const got = await askPeer((socket) =>
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
    );
    expect(got.body).toBe("abc");
  });

  test("tells one kind of trouble from another", async () => {
    expect(await troubleWith((socket) => socket.end())).toBe("ended");
    expect(await troubleWith((socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"))).toBe("no_http");
    const settings = new Uint8Array([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100]);
    expect(await troubleWith((socket) => socket.write(settings))).toBe("http2");
    expect(
      await troubleWith((socket) => socket.write(`HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(9000)}`)),
    ).toBe("too_long");
  });

  test("waits no longer than its bound", async () => {
    const clock = new FakeClock();
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    const answer = askPeer(() => arrive(), clock).then(() => "none", troubleOf);
    await arrived;
    clock.advance(60_000);
    expect(await answer).toBe("timeout");
  });
});

describe("shakeHands()", () => {
  test("takes no answer that does not belong to its key", async () => {
    const head = "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: AAAA\r\n\r\n";
    using server = await peer((socket) => socket.write(head));
    using wire = await openWire({ address: "127.0.0.1", port: server.port }, systemClock);
    await expect(shakeHands(wire, { path: "/", authority: "x" })).rejects.toThrow(WireTrouble);
  });
});

describe("hold()", () => {
  /** A socket that says these things at these times. */
  function scripted(clock: FakeClock, script: readonly (readonly [afterMs: number, Message])[]) {
    const said: string[] = [];
    const rest = [...script];
    return {
      said,
      socket: {
        async receive(): Promise<Message> {
          const next = rest.shift();
          if (next === undefined) {
            clock.advance(100_000);
            throw new WireTrouble("timeout");
          }
          clock.advance(next[0]);
          return next[1];
        },
        send: (text: string) => said.push(text),
        close: () => said.push("closed"),
      },
    };
  }
  const ping = { kind: "text", text: "{}" } as const;

  test("answers heartbeats, and nothing else, until the time is over", async () => {
    const clock = new FakeClock();
    const news = { kind: "text", text: '{"push":{}}\n{}' } as const;
    const { socket, said } = scripted(clock, [
      [20_000, ping],
      [20_000, news],
      [1, { kind: "pong" }],
    ]);
    const seen = await hold(socket, 90_000, clock);
    expect(seen).toMatchObject({ heartbeats: 2, silentMs: 100_000 });
    expect(seen.end).toBeUndefined();
    expect(said).toEqual(["{}", "{}", "closed"]);
  });

  test("tells how long nothing had come when it was cut", async () => {
    const clock = new FakeClock();
    const { socket } = scripted(clock, [
      [20_000, ping],
      [60_000, { kind: "cut" }],
    ]);
    const seen = await hold(socket, 90_000, clock);
    expect(seen).toEqual({ heldMs: 80_000, silentMs: 60_000, heartbeats: 1, end: { kind: "cut" } });
  });
});

describe("readServerWords()", () => {
  /** ServerHello of TLS 1.2, Certificate with one of 3 bytes, ServerHelloDone. */
  const hello = [2, 0, 0, 38, 3, 3, ...Array<number>(32).fill(7), 0, 0xc0, 0x2b, 0];
  const certificate = [11, 0, 0, 9, 0, 0, 6, 0, 0, 3, 0x30, 1, 2];
  const done = [14, 0, 0, 0];
  const record = (type: number, data: readonly number[]) => [
    type,
    3,
    3,
    data.length >> 8,
    data.length & 0xff,
    ...data,
  ];
  const whole = new Uint8Array(record(22, [...hello, ...certificate, ...done]));

  test("reads the version and the chain, also when messages are cut into records", () => {
    const wanted = { version: 0x0303, chain: [new Uint8Array([0x30, 1, 2])], isOver: true };
    expect(readServerWords(whole)).toEqual(wanted);
    const all = [...hello, ...certificate, ...done];
    const cut = [...record(22, all.slice(0, 50)), ...record(22, all.slice(50))];
    expect(readServerWords(new Uint8Array(cut))).toEqual(wanted);
  });

  test("waits for more as long as anything is missing", () => {
    for (let length = 0; length < whole.length; length += 1) {
      expect(readServerWords(whole.slice(0, length)).isOver).toBe(false);
    }
  });

  test("knows TLS 1.3 by its extension", () => {
    const extended = [...hello, 0, 6, 0, 43, 0, 2, 3, 4];
    extended[3] = extended.length - 4;
    const words = readServerWords(new Uint8Array(record(22, extended)));
    expect(words).toEqual({ version: 0x0304, isOver: true });
  });

  test("reads an alert, and tells what is no TLS", () => {
    expect(readServerWords(new Uint8Array(record(21, [2, 70])))).toEqual({
      alert: 70,
      isOver: true,
    });
    const http = new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n");
    expect(readServerWords(http)).toEqual({ alert: NO_TLS, isOver: true });
  });
});

test("clientHello() tells its own lengths right", () => {
  for (const version of ["1.0", "1.1", "1.2", "1.3"] as const) {
    const bytes = clientHello(version, "push.example.com");
    const view = new DataView(bytes.buffer);
    expect(view.getUint16(3)).toBe(bytes.length - 5);
    expect(view.getUint32(5) & 0xffffff).toBe(bytes.length - 9);
    expect(new TextDecoder().decode(bytes)).toContain("push.example.com");
    expect(new TextDecoder().decode(clientHello(version, undefined))).not.toContain("push");
  }
});
