import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { HostCapabilities } from "../../src/core/ports/host.ts";
import { makeCertificates } from "../../src/tls/make-certificates.ts";
import { RawConnection, rawRequest } from "../support/raw-http.ts";
import { agreesTo, RawSocket, rawAnswer } from "./host-clients.ts";
import type { HostProcess } from "./host-process.ts";
import { CANARY, HOST_LIMITS, type StartOptions } from "./host-wire.ts";

export interface HostUnderTest {
  readonly name: string;
  /** What the host claims; each claim is tested, and each denial too where it shows. */
  readonly capabilities: HostCapabilities;
  /** Whether `closeIdle` does anything, which the port leaves to the runtime. */
  readonly endsIdle: boolean;
  readonly start: (options: StartOptions) => Promise<HostProcess>;
}

const PROBLEM = {
  type: "about:blank",
  title: "Cannot complete request",
  status: 500,
  code: "internal",
};

/** The promises of `Host`, as tests over real sockets. */
export function describeHost({ name, capabilities, start }: HostUnderTest): void {
  let server: HostProcess;

  beforeEach(async () => {
    server = await start({ hostname: "127.0.0.1" });
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
  });

  const ask = (lines: readonly string[], body?: string) => rawAnswer(server.port, lines, body);

  describe(`Host contract: ${name}`, () => {
    test("claims its capabilities", () => {
      expect(server.capabilities).toEqual(capabilities);
    });

    describe("fetch", () => {
      test("is told the peer's address", async () => {
        const { body } = await ask(["GET /info HTTP/1.1", "Host: x"]);
        expect(JSON.parse(body)).toMatchObject({ remoteAddress: "127.0.0.1" });
      });

      test.each(["/throw", "/reject", "/throw-text"])(
        "answers %s with a constant 500 and logs the bug once",
        async (path) => {
          const answer = await ask([`GET ${path} HTTP/1.1`, "Host: x"]);
          expect(answer.status).toBe(500);
          expect(answer.headers.get("content-type")).toBe("application/problem+json");
          expect(JSON.parse(answer.body)).toEqual(PROBLEM);
          const bugs = await server.all("log");
          expect(bugs).toHaveLength(1);
          expect(bugs[0]).toMatchObject({ level: "error", event: "http.bug" });
          expect(bugs[0]?.["error"]).toContain(CANARY);
          expect(server.stderr).toBe("");
        },
      );

      test("may throw after it has switched protocols", async () => {
        using socket = await server.connect("a", { query: "&throw=fetch" });
        socket.send("echo alive");
        await socket.frames.find((frame) => frame === "alive", { what: "the echo" });
        expect(await server.all("log")).toMatchObject([{ level: "error", event: "http.bug" }]);
        expect(server.stderr).toBe("");
      });

      test.each(["a/b?c", "u@evil", "x#", "[::1", ""])(
        "receives a request with the Host header %j",
        async (hostHeader) => {
          const answer = await ask(["GET /info HTTP/1.1", `Host: ${hostHeader}`]);
          expect(answer.status).toBe(200);
        },
      );

      test("is not called for a body that declares too much", async () => {
        const tooLong = HOST_LIMITS.bodyMaxBytes + 1;
        const head = ["POST /body HTTP/1.1", "Host: x", `Content-Length: ${tooLong}`];
        const answer = await ask(head, "x".repeat(tooLong));
        expect(answer.status).toBe(413);
        expect(await server.all("request")).toEqual([]);
      });

      test("reads a body of the longest length", async () => {
        const length = HOST_LIMITS.bodyMaxBytes;
        const head = ["POST /body HTTP/1.1", "Host: x", `Content-Length: ${length}`];
        const answer = await ask(head, "x".repeat(length));
        expect(JSON.parse(answer.body)).toEqual({ length });
      });
    });

    describe("a socket", () => {
      test("echoes text of the longest length, and tells a binary frame apart", async () => {
        using socket = await server.connect("a");
        const text = "é".repeat((HOST_LIMITS.frameMaxBytes - "echo ".length) / 2);
        socket.send(`echo ${text}`);
        expect(await socket.frames.find(() => true, { what: "the echo" })).toBe(text);
        socket.send(new Uint8Array([1, 2]));
        await socket.frames.find((frame) => frame === "got a binary frame", { what: "the note" });
      });

      test("ends with 1009 when a message is too long, however short it was on the wire", async () => {
        using socket = await server.connect("a");
        socket.send("é".repeat(HOST_LIMITS.frameMaxBytes / 2 + 1));
        expect((await socket.end()).code).toBe(1009);
        expect(await server.event("close", "a")).toMatchObject({ code: 1009 });
        expect(await server.all("message")).toEqual([]);
      });

      test("knows the peer's address", async () => {
        using _socket = await server.connect("a");
        expect(await server.event("open", "a")).toMatchObject({ remoteAddress: "127.0.0.1" });
      });

      test("confirms the given subprotocol", async () => {
        const options = { query: "&protocol=b", protocols: ["a", "b"] };
        using socket = await server.connect("a", options);
        expect(socket.protocol).toBe("b");
      });

      test("confirms no subprotocol when none is given, whatever was offered", async () => {
        using socket = await RawSocket.open(server.port, "a", {
          headers: ["Sec-WebSocket-Protocol: x, y"],
        });
        expect(socket.head).toContain(" 101 ");
        expect(socket.head.toLowerCase()).not.toContain("sec-websocket-protocol");
      });

      test("lets the app answer a handshake the runtime refuses", async () => {
        const answer = await ask([
          "GET /socket HTTP/1.1",
          "Host: x",
          "Upgrade: websocket",
          "Sec-WebSocket-Version: 13",
        ]);
        expect(answer.status).toBe(400);
        expect(answer.body).toBe("the runtime refused");
      });

      test("can switch without upgrade in Connection if the host is lenient", async () => {
        using socket = await RawSocket.open(server.port, "a", { connection: '"upgrade"' });
        expect(socket.head).toContain(capabilities.lenientHandshake ? " 101 " : " 400 ");
      });

      test("opens over HTTP/1.0, behind an nginx that lacks proxy_http_version", async () => {
        using socket = await RawSocket.open(server.port, "a", { version: "HTTP/1.0" });
        socket.sendTexts("echo hello");
        await socket.received((bytes) => bytes.endsWith("\x81\x05hello"), "the echo");
      });

      test("closes with the given code and reason, once, before close() returns", async () => {
        using socket = await server.connect("a");
        await server.call("a", ["close", 4001, "bye"], ["close", 4002, "again"], ["terminate"]);
        expect(await socket.end()).toEqual({ code: 4001, reason: "bye" });
        expect(await server.all("close")).toMatchObject([{ code: 4001, reason: "bye" }]);
        const kinds = server.told.items.map(({ kind }) => kind);
        expect(kinds.slice(kinds.indexOf("open") + 1)).toEqual(["close", "done", "done"]);
      });

      test("is harmless when it is gone", async () => {
        using socket = await server.connect("a");
        await server.call("a", ["subscribe", "t"], ["close", 4001, "bye"]);
        await socket.end();
        const results = await server.call(
          "a",
          ["send", "x"],
          ["ping"],
          ["subscribe", "t"],
          ["publish", "t", "x"],
          ["unsubscribe", "t"],
          ["bufferedBytes"],
          ["close", 4002, "again"],
          ["terminate"],
        );
        expect(results).toEqual(["dropped", null, null, "sent", null, 0, null, null]);
        expect(await server.all("close")).toHaveLength(1);
      });

      test("hears nothing more after close(), also of what has come already", async () => {
        using socket = await RawSocket.open(server.port, "a");
        socket.sendTexts("close me", "echo late");
        expect(await server.event("close", "a")).toMatchObject({ code: 4001, reason: "bye" });
        await server.call("a", ["bufferedBytes"]);
        expect(await server.all("message")).toMatchObject([{ text: "close me" }]);
      });

      test("tells 1006 when terminated, and ends the connection if the host can", async () => {
        using socket = await RawSocket.open(server.port, "a");
        await server.event("open", "a");
        await server.call("a", ["terminate"]);
        expect(await server.event("close", "a")).toMatchObject({ code: 1006 });
        if (capabilities.hardTerminate) await socket.ended();
        else await socket.received((bytes) => bytes.includes("\x88\x00"), "an empty close frame");
      });

      test("tells once how the peer closed", async () => {
        using socket = await server.connect("a");
        socket.close(3456);
        expect(await server.event("close", "a")).toMatchObject({ code: 3456 });
      });

      test("tells 1006, once, when the peer is gone without a word", async () => {
        const socket = await RawSocket.open(server.port, "a");
        await server.event("open", "a");
        socket[Symbol.dispose]();
        expect(await server.event("close", "a")).toMatchObject({ code: 1006 });
        using _other = await server.connect("b");
        expect(await server.all("close")).toHaveLength(1);
      });

      test("pings if the host can, and hears the pong", async () => {
        using _socket = await server.connect("a");
        await server.call("a", ["ping"]);
        if (capabilities.nativePing) await server.event("pong", "a");
        else expect(await server.all("pong")).toEqual([]);
      });
    });

    describe("a topic", () => {
      test("keeps its order with send, and begins and ends exactly where it was told to", async () => {
        using socket = await server.connect("a");
        const results = await server.call(
          "a",
          ["publish", "t", "before"],
          ["send", "reply"],
          ["subscribe", "t"],
          ["publish", "t", "one"],
          ["send", "two"],
          ["publish", "t", "three"],
          ["unsubscribe", "t"],
          ["publish", "t", "after"],
          ["send", "end"],
        );
        expect(results).not.toContain("dropped");
        await socket.frames.find((frame) => frame === "end", { what: "the last frame" });
        expect(socket.frames.items).toEqual(["reply", "one", "two", "three", "end"]);
      });

      test("reaches every subscriber and nobody else", async () => {
        using a = await server.connect("a");
        using b = await server.connect("b");
        using c = await server.connect("c");
        await server.call("a", ["subscribe", "t"]);
        await server.call("b", ["subscribe", "t"]);
        await server.run({ do: "publish", topic: "t", text: "x".repeat(5000) });
        for (const id of ["a", "b", "c"]) await server.call(id, ["send", "end"]);
        for (const socket of [a, b, c]) {
          await socket.frames.find((frame) => frame === "end", { what: "the last frame" });
        }
        const lengths = [a, b, c].map(({ frames }) => frames.items.map(({ length }) => length));
        expect(lengths).toEqual([[5000, 3], [5000, 3], [3]]);
      });

      test("says sent when nobody listens", async () => {
        expect(await server.run({ do: "publish", topic: "t", text: "x" })).toBe("sent");
      });

      test("is joined without a gap and without a duplicate in the midst of a flood", async () => {
        const joiners = ["a", "b", "c", "d", "e"];
        const opened = await Promise.all(joiners.map((id) => server.connect(id)));
        const flood = server.run({ do: "flood", topic: "t", joiners: joiners.length });
        for (const id of joiners) await server.run({ do: "join-flood", id, topic: "t" });
        const last = Number(await flood);
        for (const socket of opened) {
          await socket.frames.find((frame) => frame === `${last}`, {
            what: "the end of the flood",
          });
          const [joined = "", ...seen] = socket.frames.items;
          const first = Number(joined.slice("after ".length)) + 1;
          const wanted = Array.from({ length: last + 1 - first }, (_, index) => first + index);
          expect(seen.map(Number)).toEqual(wanted);
          socket[Symbol.dispose]();
        }
      });
    });

    describe("a reader that stalls", () => {
      test("is cut off at the bound, and a healthy one misses nothing", async () => {
        using healthy = await server.connect("healthy");
        using stalled = await RawSocket.open(server.port, "stalled");
        await server.event("open", "stalled");
        stalled.pause();
        await server.call("stalled", ["subscribe", "t"]);
        await server.call("healthy", ["subscribe", "t"]);
        const result = await server.run({ do: "overflow", stalled: "stalled", healthy: "healthy" });
        const { published, bufferedMaxBytes, lostWithBytes } = result as Overflow;
        expect(bufferedMaxBytes).toBeGreaterThan(0);
        expect(bufferedMaxBytes).toBeLessThan(HOST_LIMITS.backpressureMaxBytes + 20_000);
        expect(lostWithBytes).toBeGreaterThan(HOST_LIMITS.backpressureMaxBytes);
        expect(await server.event("close", "stalled")).toMatchObject({ code: 1006 });
        await healthy.frames.find((frame) => frame.startsWith(`${published} `), {
          what: "the last publication",
        });
        const numbers = healthy.frames.items.map((frame) => Number.parseInt(frame, 10));
        expect(numbers).toEqual(Array.from({ length: published }, (_, index) => index + 1));
        // Whatever the stalled one is given now, it comes to an end.
        stalled.resume();
        if (capabilities.hardTerminate) await stalled.ended();
      });
    });

    describe("a handler that throws", () => {
      test.each(["open", "message", "message-later"])(
        "in %s ends its socket with 1011 and hears nothing more",
        async (stage) => {
          using socket = await server.connect("a", { query: `&throw=${stage}` });
          for (const text of ["1", "2", "3"]) socket.send(text);
          expect(await socket.end()).toEqual({ code: 1011, reason: "internal error" });
          expect(await server.event("close", "a")).toMatchObject({ code: 1011 });
          await expectOneBug(stage.split("-")[0] ?? "");
        },
      );

      test("in close changes nothing", async () => {
        using socket = await server.connect("a", { query: "&throw=close" });
        socket.close(3000);
        expect(await server.event("close", "a")).toMatchObject({ code: 3000 });
        await expectOneBug("close");
      });

      if (capabilities.nativePing) {
        test("in pong ends its socket with 1011", async () => {
          using socket = await server.connect("a", { query: "&throw=pong" });
          await server.call("a", ["ping"]);
          expect(await socket.end()).toEqual({ code: 1011, reason: "internal error" });
          await expectOneBug("pong");
        });
      }

      /** It is logged, closed once, and everybody else lives on. */
      async function expectOneBug(stage: string): Promise<void> {
        using other = await server.connect("other");
        other.send("echo alive");
        await other.frames.find((frame) => frame === "alive", { what: "the echo of another" });
        const bugs = await server.all("log");
        expect(bugs).toMatchObject([{ level: "error", event: "ws.bug", stage }]);
        expect(bugs[0]?.["error"]).toContain(CANARY);
        expect(await server.all("close")).toHaveLength(1);
        expect(server.stderr).toBe("");
      }
    });

    describe("listen()", () => {
      test("refuses an address in use and says so", async () => {
        const said = await server.run({ do: "listen-again" });
        const where = `127.0.0.1 port ${server.port}`;
        expect(said).toBe(`Error: Cannot listen on ${where}: the address is in use`);
      });

      test("serves wss with AEAD ciphers only", async () => {
        const now = new Date();
        const { ca, cert, key } = await makeCertificates({ hosts: ["localhost"], now });
        await using secured = await start({
          hostname: "127.0.0.1",
          tls: { certificates: [{ cert, key, serverNames: [] }], minVersion: "1.2" },
        });
        using socket = await secured.connect("a", { ca });
        socket.send("echo hello");
        await socket.frames.find((frame) => frame === "hello", { what: "the echo" });
        const answer = await fetch(`https://localhost:${secured.port}/info`, { tls: { ca } });
        expect(await answer.json()).toMatchObject({ remoteAddress: "127.0.0.1" });
        expect(await agreesTo(secured.port, "ECDHE-ECDSA-AES128-GCM-SHA256")).toBe(true);
        expect(await agreesTo(secured.port, "ECDHE-ECDSA-AES128-SHA")).toBe(false);
      });
    });

    describe("stop()", () => {
      test("refuses new connections, lets requests finish, and resolves only then", async () => {
        using idle = await RawSocket.ask(server.port, ["GET /info HTTP/1.1", "Host: x"]);
        using running = await RawConnection.open(server.port);
        running.write(rawRequest(["GET /hold HTTP/1.1", "Host: x"]));
        await server.told.find(({ url }) => String(url).endsWith("/hold"), { what: "the request" });
        const stopped = server.run({ do: "stop" });
        await idle.ended(); // although it could have carried another request
        expect((await ask(["GET /info HTTP/1.1", "Host: x"])).status).toBeNaN();
        expect((await server.all("done")).length).toBe(1); // that of the question itself
        await server.run({ do: "release" });
        expect((await running.answer()).body).toBe("held until released");
        expect(await stopped).toBe(server.port);
      });

      test("lets a body finish that is still coming", async () => {
        using posting = await RawConnection.open(server.port);
        const head = ["POST /body HTTP/1.1", "Host: x", "Content-Length: 6", "Connection: close"];
        posting.write(rawRequest(head, "abc"));
        await server.told.find(({ url }) => String(url).endsWith("/body"), { what: "the request" });
        const stopped = server.run({ do: "stop" });
        await server.all("request"); // and so the stop has begun
        expect((await ask(["GET /info HTTP/1.1", "Host: x"])).status).toBeOneOf([503, Number.NaN]);
        posting.write("def");
        expect(JSON.parse((await posting.answer()).body)).toEqual({ length: 6 });
        await stopped;
      });

      test("lets a close that was made before it arrive", async () => {
        using socket = await server.connect("a");
        const stopped = server.call("a", ["close", 4002, "bye"], ["stop"]);
        expect(await socket.end()).toEqual({ code: 4002, reason: "bye" });
        await stopped;
      });

      test("keeps sockets and topics if the host can, and says 1001 otherwise", async () => {
        using socket = await server.connect("a");
        await server.call("a", ["subscribe", "t"]);
        await server.run({ do: "stop" });
        if (capabilities.stopKeepsSockets) {
          await server.run({ do: "publish", topic: "t", text: "published" });
          await socket.frames.find((frame) => frame === "published", { what: "a publication" });
          socket.send("echo hello");
          await socket.frames.find((frame) => frame === "hello", { what: "the echo" });
        } else {
          expect(await socket.end()).toEqual({ code: 1001, reason: "Server closed" });
          expect(await server.event("close", "a")).toMatchObject({ code: 1001 });
        }
      });
    });
  });
}

interface Overflow {
  readonly published: number;
  readonly bufferedMaxBytes: number;
  /** What waited for the stalled one when it had lost a frame. */
  readonly lostWithBytes: number;
}
