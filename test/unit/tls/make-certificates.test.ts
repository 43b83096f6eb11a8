import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { connect } from "node:tls";
import { type MadeCertificates, makeCertificates } from "../../../src/tls/make-certificates.ts";
import * as x509 from "../../../src/tls/x509.ts";
import { NOW } from "./issue.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

describe("makeCertificates()", () => {
  test("makes a CA and a leaf that it signed, for servers only", async () => {
    const made = await makeCertificates({ hosts: ["example.com"], now: NOW });
    const [ca, leaf] = [new X509Certificate(made.ca), new X509Certificate(made.cert)];
    expect([ca.ca, leaf.ca]).toEqual([true, false]);
    expect(leaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect(leaf.checkIssued(ca)).toBe(true);
    expect(leaf.verify(ca.publicKey)).toBe(true);
  });

  test("says in the leaf what its key is for and which key signed it", async () => {
    const made = await makeCertificates({ hosts: ["example.com"], now: NOW });
    const [ca, leaf] = [new x509.X509Certificate(made.ca), new x509.X509Certificate(made.cert)];
    expect(leaf.getExtension(x509.KeyUsagesExtension)?.usages).toBe(
      x509.KeyUsageFlags.digitalSignature,
    );
    expect(leaf.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId).toBe(
      ca.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId ?? "none",
    );
  });

  test("puts the CA behind the leaf in cert", async () => {
    const made = await makeCertificates({ hosts: ["example.com"], now: NOW });
    expect(made.cert.endsWith(made.ca)).toBe(true);
    expect(made.cert.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  });

  test("names every host once", async () => {
    const hosts = [
      "a.example",
      "A.example",
      "*.b.example",
      "192.0.2.7",
      "2001:db8::7",
      "[2001:DB8::7]",
    ];
    const made = await makeCertificates({ hosts, now: NOW });
    const leaf = new X509Certificate(made.cert);
    expect(leaf.subject).toBe("CN=a.example");
    expect(leaf.subjectAltName?.split(", ")).toEqual([
      "DNS:a.example",
      "DNS:*.b.example",
      "IP Address:192.0.2.7",
      "IP Address:2001:DB8:0:0:0:0:0:7",
    ]);
  });

  test("leaves a host out of the common name when it is too long for one", async () => {
    const long = `${"a".repeat(60)}.example`;
    const made = await makeCertificates({ hosts: [long], now: NOW });
    expect(new X509Certificate(made.cert).subject).toBe("CN=Posthorn");
  });

  test("keeps a leaf within the 397 days that Apple accepts, by default", async () => {
    const made = await makeCertificates({ hosts: ["example.com"], now: NOW });
    const { validFromDate, validToDate } = new X509Certificate(made.cert);
    expect(validFromDate.getTime()).toBeLessThan(NOW.getTime());
    expect(validToDate.getTime() - validFromDate.getTime()).toBe(397 * DAY_MS);
  });

  test("makes them valid for as many days as asked", async () => {
    const validDays = { ca: 30, leaf: 2 };
    const made = await makeCertificates({ hosts: ["example.com"], now: NOW, validDays });
    const spans = [made.ca, made.cert].map((pem) => {
      const { validFromDate, validToDate } = new X509Certificate(pem);
      return (validToDate.getTime() - validFromDate.getTime()) / DAY_MS;
    });
    expect(spans).toEqual([30, 2]);
  });

  test("makes a new CA every time, under a name of its own", async () => {
    const options = { hosts: ["example.com"], now: NOW };
    const [one, other] = [await makeCertificates(options), await makeCertificates(options)];
    expect(one.caKey).not.toBe(other.caKey);
    expect(new X509Certificate(one.ca).subject).not.toBe(new X509Certificate(other.ca).subject);
  });

  const refused: readonly (readonly [
    string,
    Partial<Parameters<typeof makeCertificates>[0]>,
    string,
  ])[] = [
    ["no host at all", { hosts: [] }, "got 0 hosts, wanted 1 to 100"],
    ["too many hosts", { hosts: Array(101).fill("a.example") }, "got 101 hosts"],
    [
      "a URL",
      { hosts: ["a.example", "https://b.example"] },
      'got host "https://b.example", wanted a DNS name',
    ],
    ["a host with a port", { hosts: ["a.example:8077"] }, 'got host "a.example:8077"'],
    ["a mistyped address", { hosts: ["300.1.1.1"] }, 'got host "300.1.1.1"'],
    [
      "a leaf that Apple would refuse",
      { validDays: { leaf: 398 } },
      "got 398 days for the leaf, wanted 1 to 397",
    ],
    ["a leaf that was never valid", { validDays: { leaf: 0 } }, "got 0 days for the leaf"],
    ["part of a day", { validDays: { ca: 1.5 } }, "got 1.5 days for the CA"],
    [
      "a CA that ends before its leaf",
      { validDays: { ca: 10, leaf: 20 } },
      "the CA would end before its leaf",
    ],
  ];
  for (const [name, options, message] of refused) {
    test(`refuses ${name}`, async () => {
      const made = makeCertificates({ hosts: ["a.example"], now: NOW, ...options });
      await expect(made).rejects.toThrow(`Cannot make certificates: ${message}`);
    });
  }
});

describe("a server with the files of makeCertificates()", () => {
  let made: MadeCertificates;
  let server: ReturnType<typeof Bun.serve>;

  beforeAll(async () => {
    const hosts = ["localhost", "127.0.0.1", "::1", "*.phones.example"];
    made = await makeCertificates({ hosts, now: new Date() });
    server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      tls: { cert: made.cert, key: made.key },
      fetch: () => new Response("posted"),
    });
  });

  afterAll(() => server.stop(true));

  /** Dials as a client that checks everything; resolves to why it refused, or to "accepted". */
  function dial(servername: string): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    const options = { host: "127.0.0.1", port: server.port ?? 0, servername, ca: made.ca };
    const socket = connect(options, () => resolve("accepted"));
    socket.on("error", (error) => resolve("code" in error ? String(error.code) : error.message));
    return promise.finally(() => socket.destroy());
  }

  for (const host of ["localhost", "127.0.0.1"]) {
    test(`is accepted by fetch() at https://${host}`, async () => {
      const response = await fetch(`https://${host}:${server.port}/`, { tls: { ca: made.ca } });
      expect(await response.text()).toBe("posted");
    });
  }

  test("is refused by fetch() without the CA", async () => {
    const request = fetch(`https://127.0.0.1:${server.port}/`);
    await expect(request).rejects.toThrow(/certificate/i);
  });

  test("is accepted under a name that a wildcard covers", async () => {
    expect(await dial("a.phones.example")).toBe("accepted");
  });

  test("is refused under another name", async () => {
    expect(await dial("a.b.phones.example")).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
  });
});
