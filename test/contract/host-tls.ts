import { describe, expect, test } from "bun:test";
import type { ServedCertificate, TlsOptions } from "../../src/core/ports/host.ts";
import { makeCertificates } from "../../src/tls/make-certificates.ts";
import { makeDeviceCertificates } from "../support/device-certificates.ts";
import { RawConnection, rawRequest } from "../support/raw-http.ts";
import { askTls, namesShown } from "../support/tls-client.ts";
import type { HostUnderTest } from "./host.ts";

const HERE = "127.0.0.1";

/** What `Host` promises of certificates, and of listeners that take each other's place. */
export function describeHostTls({ name, capabilities, start }: HostUnderTest): void {
  describe(`Host contract, TLS: ${name}`, () => {
    test("shows its only certificate to whoever asks for whatever name", async () => {
      await using server = await start({ hostname: HERE, tls: await tlsFor(["a.test"]) });
      const { port } = server;
      for (const asked of ["", "a.test", "unknown.test"]) {
        expect(await namesShown({ port, name: asked })).toEqual(["a.test"]);
      }
    });

    test("tells certificates apart by name where it can, and else does not listen", async () => {
      const tls = await tlsFor(["a.test"], ["b.test", "*.b.test"], ["exact.b.test"]);
      await expectFullTls(tls, async (port) => {
        const shown = async (asked: string) => (await namesShown({ port, name: asked }))[0];
        expect(await shown("")).toBe("a.test");
        expect(await shown("unknown.test")).toBe("a.test");
        expect(await shown("B.test")).toBe("b.test");
        expect(await shown("x.b.test")).toBe("b.test");
        expect(await shown("exact.b.test")).toBe("exact.b.test");
        expect(await shown("y.x.b.test")).toBe("a.test");
      });
    });

    test("speaks TLS 1.2 unless told not to", async () => {
      await using server = await start({ hostname: HERE, tls: await tlsFor(["a.test"]) });
      const { port } = server;
      expect((await askTls({ port, maxVersion: "TLSv1.2" })).version).toBe("TLSv1.2");
      expect((await askTls({ port })).version).toBe("TLSv1.3");
    });

    test("speaks TLS 1.3 only where it can, and else does not listen", async () => {
      const tls = { ...(await tlsFor(["a.test"], ["b.test"])), minVersion: "1.3" } as const;
      await expectFullTls(tls, async (port) => {
        for (const asked of ["a.test", "b.test"]) {
          expect((await askTls({ port, name: asked })).version).toBe("TLSv1.3");
          expect(await namesShown({ port, name: asked, maxVersion: "TLSv1.2" })).toBe("refused");
        }
      });
    });

    test("lets in only who shows a certificate of the authority where it can, and else does not listen", async () => {
      const [device, stranger] = await Promise.all([
        makeDeviceCertificates(),
        makeDeviceCertificates(),
      ]);
      const tls = { ...(await tlsFor(["a.test"], ["b.test"])), clientCa: device.ca };
      await expectFullTls(tls, async (port) => {
        for (const asked of ["a.test", "b.test", ""]) {
          const asking = { port, name: asked, path: "/info" };
          const { cert, key } = device;
          const answer = await askTls({ ...asking, cert, key });
          expect(JSON.parse(answer.body)).toMatchObject({ isCertified: true });
          expect(await namesShown(asking)).toBe("refused");
          const { cert: other, key: otherKey } = stranger;
          expect(await namesShown({ ...asking, cert: other, key: otherKey })).toBe("refused");
        }
      });
    });

    test("takes nobody for certified where nobody is asked", async () => {
      await using server = await start({ hostname: HERE, tls: await tlsFor(["a.test"]) });
      const { body } = await askTls({ port: server.port, path: "/info" });
      expect(JSON.parse(body)).toMatchObject({ isCertified: false });
    });

    test("shares the port with another listener of its own where it can: new connections are for the newest", async () => {
      const { ca, ...old } = await made(["localhost"]);
      const tls = { certificates: [{ ...old, serverNames: [] }], minVersion: "1.2" } as const;
      await using server = await start({ hostname: HERE, tls, sharePort: true });
      const { port } = server;
      using socket = await server.connect("a", { ca });
      const said = await server.run({ do: "listen-beside", tls: await tlsFor(["new.test"]) });
      if (!capabilities.sharesPort) {
        expect(said).toContain("the address is in use");
        return;
      }
      expect(said).toBe("listening");
      const shown = await Promise.all(Array.from({ length: 40 }, () => namesShown({ port })));
      expect(new Set(shown.map(String))).toEqual(new Set(["new.test"]));
      await server.run({ do: "stop" });
      expect(await namesShown({ port })).toEqual(["new.test"]);
      socket.send("echo still here");
      await socket.frames.find((frame) => frame === "still here", { what: "the echo" });
      expect(await server.run({ do: "open-sockets" })).toBe(1);
    });

    if (capabilities.sharesPort) {
      test("gives new connections to the newest also on a port where it has listened before", async () => {
        await using server = await start({
          hostname: HERE,
          tls: await tlsFor(["old.test"]),
          sharePort: true,
        });
        const { port } = server;
        await server.run({ do: "stop" });
        for (const name of ["again.test", "newest.test"]) {
          expect(await server.run({ do: "listen-beside", tls: await tlsFor([name]) })).toBe(
            "listening",
          );
        }
        const shown = await Promise.all(Array.from({ length: 40 }, () => namesShown({ port })));
        expect(new Set(shown.map(String))).toEqual(new Set(["newest.test"]));
      });
    }

    test("shares no port with another process, whatever both were told", async () => {
      const tls = await tlsFor(["a.test"]);
      await using first = await start({ hostname: HERE, tls, sharePort: true });
      const { port } = first;
      const second = start({ hostname: HERE, tls, sharePort: true, port });
      await expect(second).rejects.toThrow("the address is in use");
    });

    test("closes each of its sockets with a farewell of its own, and counts them", async () => {
      await using server = await start({ hostname: HERE });
      using a = await server.connect("a");
      using b = await server.connect("b");
      expect(await server.run({ do: "open-sockets" })).toBe(2);
      await server.run({ do: "close-sockets", code: 4002 });
      const ends = await Promise.all([a.end(), b.end()]);
      expect(ends.toSorted((one, other) => one.reason.localeCompare(other.reason))).toEqual([
        { code: 4002, reason: "socket 1" },
        { code: 4002, reason: "socket 2" },
      ]);
      expect(await server.run({ do: "open-sockets" })).toBe(0);
      expect(await server.all("close")).toHaveLength(2);
    });

    if (capabilities.stopKeepsSockets) {
      test("ends what is left when it is aborted, also requests that still run", async () => {
        await using server = await start({ hostname: HERE });
        using running = await RawConnection.open(server.port);
        const seen = server.told.find(({ url }) => String(url).endsWith("/hold"), { what: "it" });
        running.write(rawRequest(["GET /hold HTTP/1.1", "Host: x"]));
        await seen;
        const stopped = server.run({ do: "stop" });
        await server.run({ do: "abort" });
        await running.ended();
        await stopped;
      });
    }

    /** Uses a server with `tls` where the host can do all of it, and expects it to say so where it cannot. */
    async function expectFullTls(
      tls: TlsOptions,
      use: (port: number) => Promise<void>,
    ): Promise<void> {
      const starting = start({ hostname: HERE, tls });
      if (!capabilities.fullTls) {
        await expect(starting).rejects.toThrow("use the executable");
        return;
      }
      await using server = await starting;
      await use(server.port);
    }
  });
}

function made(hosts: readonly string[]) {
  return makeCertificates({ hosts, now: new Date() });
}

/** A certificate of its own for each list of names. */
async function tlsFor(
  first: readonly string[],
  ...others: readonly (readonly string[])[]
): Promise<TlsOptions> {
  const certificates = await Promise.all([certificateFor(first), ...others.map(certificateFor)]);
  return { certificates, minVersion: "1.2" };
}

async function certificateFor(serverNames: readonly string[]): Promise<ServedCertificate> {
  const { cert, key } = await made(serverNames);
  return { cert, key, serverNames };
}
