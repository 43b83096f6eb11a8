import { beforeAll, describe, expect, test } from "bun:test";
import { createPrivateKey } from "node:crypto";
import { inspectCertificate } from "../../../src/tls/inspect.ts";
import { makeCertificates } from "../../../src/tls/make-certificates.ts";
import { dns, type Issued, type IssueOptions, issue, makeRsaKeys, NOW } from "./issue.ts";

const HOST = "gate.example.com";

/** One chain of three, a stranger, and what is wrong with neither. */
interface World {
  readonly root: Issued;
  readonly middle: Issued;
  readonly leaf: Issued;
  readonly stranger: Issued;
}

let world: World;

beforeAll(async () => {
  const root = await issue({ name: "Root", ca: true, toDay: 3000 });
  const middle = await issue({ name: "Middle", ca: true, issuer: root, toDay: 1000 });
  const leaf = await issue({ name: HOST, issuer: middle, names: dns(HOST) });
  world = { root, middle, leaf, stranger: await issue({ name: "Stranger", names: dns(HOST) }) };
});

async function inspect(cert: string, key: string, publicHosts: readonly string[] = [HOST]) {
  return await inspectCertificate({ cert, key, publicHosts, now: NOW });
}

async function codes(cert: string, key: string, publicHosts?: readonly string[]) {
  const findings = await inspect(cert, key, publicHosts);
  return findings.map(({ code, severity }) => `${severity} ${code}`);
}

describe("inspectCertificate() finds nothing in", () => {
  const good: readonly (readonly [string, (w: World) => readonly [string, string]])[] = [
    ["a leaf with its intermediate", ({ leaf, middle }) => [leaf.cert + middle.cert, leaf.key]],
    ["CRLF line ends", ({ leaf, middle }) => [crlf(leaf.cert + middle.cert), crlf(leaf.key)]],
    ["CR line ends", ({ leaf, middle }) => [cr(leaf.cert + middle.cert), cr(leaf.key)]],
    [
      "a byte order mark",
      ({ leaf, middle }) => [`\uFEFF${leaf.cert}${middle.cert}`, `\uFEFF${leaf.key}`],
    ],
    [
      "bag attributes before the blocks and notes behind them",
      ({ leaf, middle }) => [
        `Bag Attributes\n    friendlyName: x\nsubject=CN = x\n\n${leaf.cert}\nnote: next\n${middle.cert}-- end --\n`,
        `Bag Attributes\n    localKeyID: 01\nKey Attributes: <No Attributes>\n${leaf.key}trailing\n`,
      ],
    ],
    [
      "blocks with headers",
      ({ leaf, middle }) => [
        (leaf.cert + middle.cert).replaceAll(
          "CERTIFICATE-----\nMII",
          "CERTIFICATE-----\nComment: x\n\nMII",
        ),
        leaf.key,
      ],
    ],
    [
      "indented blocks",
      ({ leaf, middle }) => [
        (leaf.cert + middle.cert).replace(/^/gm, "   "),
        leaf.key.replace(/^/gm, "\t"),
      ],
    ],
    ["key and chain in one file", ({ leaf, middle }) => twice(leaf.key + leaf.cert + middle.cert)],
    [
      "the old label X509 CERTIFICATE",
      ({ leaf, middle }) => [
        (leaf.cert + middle.cert).replaceAll("CERTIFICATE", "X509 CERTIFICATE"),
        leaf.key,
      ],
    ],
    [
      "an EC PRIVATE KEY",
      ({ leaf, middle }) => [leaf.cert + middle.cert, asType(leaf.key, "sec1")],
    ],
    [
      "an EC PRIVATE KEY behind its EC PARAMETERS",
      ({ leaf, middle }) => [
        leaf.cert + middle.cert,
        `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${asType(leaf.key, "sec1")}`,
      ],
    ],
  ];
  for (const [name, make] of good) {
    test(name, async () => {
      expect(await inspect(...make(world))).toEqual([]);
    });
  }

  test("an RSA certificate with an RSA PRIVATE KEY", async () => {
    const keys = await makeRsaKeys(2048);
    const leaf = await issue({ name: HOST, issuer: world.middle, names: dns(HOST), keys });
    expect(await inspect(leaf.cert + world.middle.cert, asType(leaf.key, "pkcs1"))).toEqual([]);
  });
});

describe("inspectCertificate() reports", () => {
  const bad: readonly (readonly [
    string,
    (w: World) => readonly [string, string],
    readonly string[],
  ])[] = [
    ["an empty certificate file", ({ leaf }) => ["", leaf.key], ["error certificate_missing"]],
    [
      "a certificate file that is not PEM",
      ({ leaf }) => ["hello", leaf.key],
      ["error certificate_missing"],
    ],
    [
      "a certificate cut short",
      ({ leaf }) => [leaf.cert.slice(0, 200), leaf.key],
      ["error certificate_missing"],
    ],
    [
      "a certificate that ends as something else",
      ({ leaf }) => [leaf.cert.replace("END CERTIFICATE", "END TRUST"), leaf.key],
      ["error certificate_missing"],
    ],
    [
      "a damaged certificate",
      ({ leaf, middle }) => [leaf.cert + damaged(middle.cert), leaf.key],
      ["error certificate_unreadable"],
    ],
    [
      "a key file without a key",
      ({ leaf, middle }) => [leaf.cert + middle.cert, leaf.cert],
      ["error key_missing"],
    ],
    [
      "files that are swapped",
      ({ leaf }) => [leaf.key, leaf.cert],
      ["error certificate_missing", "error key_missing"],
    ],
    [
      "a damaged key",
      ({ leaf, middle }) => [leaf.cert + middle.cert, damaged(leaf.key)],
      ["error key_unreadable"],
    ],
    [
      "an encrypted PKCS#8 key",
      ({ leaf, middle }) => [leaf.cert + middle.cert, encrypted(leaf.key, "pkcs8")],
      ["error key_encrypted"],
    ],
    [
      "an encrypted key in the old format",
      ({ leaf, middle }) => [leaf.cert + middle.cert, OLD_ENCRYPTED_KEY],
      ["error key_encrypted"],
    ],
    [
      "a key of another certificate",
      ({ leaf, middle, stranger }) => [leaf.cert + middle.cert, stranger.key],
      ["error key_mismatch"],
    ],
    [
      "a leaf without its issuer",
      ({ leaf }) => [leaf.cert, leaf.key],
      ["warning chain_incomplete"],
    ],
    [
      "a chain whose leaf comes last",
      ({ leaf, middle }) => [middle.cert + leaf.cert, leaf.key],
      ["error chain_order"],
    ],
    [
      "a root before the intermediate",
      ({ leaf, middle, root }) => [leaf.cert + root.cert + middle.cert, leaf.key],
      ["error chain_order"],
    ],
    [
      "an issuer that is left out",
      ({ leaf, root }) => [leaf.cert + root.cert, leaf.key],
      ["error chain_order"],
    ],
    [
      "a leaf that is repeated",
      ({ leaf, middle }) => [leaf.cert + leaf.cert + middle.cert, leaf.key],
      ["error chain_order"],
    ],
    [
      "a chain with a root at its end that nobody knows",
      ({ leaf, middle, root }) => [leaf.cert + middle.cert + root.cert, leaf.key],
      ["warning authority_unknown"],
    ],
    [
      "a self-signed certificate",
      ({ stranger }) => [stranger.cert, stranger.key],
      ["warning self_signed"],
    ],
  ];
  for (const [name, make, expected] of bad) {
    test(name, async () => {
      expect(await codes(...make(world))).toEqual([...expected]);
    });
  }

  test("that nobody knows the authority of what makeCertificates() makes, and no more", async () => {
    const made = await makeCertificates({ hosts: [HOST, "10.0.0.7", "2001:db8::7"], now: NOW });
    const findings = await inspect(made.cert, made.key, [HOST, "10.0.0.7", "[2001:db8::7]"]);
    expect(findings).toEqual([
      {
        code: "authority_unknown",
        severity: "warning",
        found: expect.stringMatching(
          /^tls\.cert leads to CN=Posthorn local CA \w{8}, which is no public authority: phones will refuse it/,
        ),
        remedy: "Use a certificate from a public CA",
      },
    ]);
  });
});

describe("inspectCertificate() holds the leaf against now and the public hosts:", () => {
  const cases: readonly (readonly [string, Partial<IssueOptions>, readonly string[]])[] = [
    ["it expired", { fromDay: -90, toDay: -1 }, ["error certificate_expired"]],
    [
      "it expires within three weeks",
      { fromDay: -69, toDay: 20.9 },
      ["warning certificate_expiring"],
    ],
    ["it expires in more than three weeks", { fromDay: -300, toDay: 21.1 }, []],
    [
      "it has less than a third of a short life before it",
      { fromDay: -5, toDay: 2 },
      ["warning certificate_expiring"],
    ],
    ["it has a third of a short life before it", { fromDay: -4, toDay: 2.1 }, []],
    ["it is not valid yet", { fromDay: 1 }, ["warning certificate_premature"]],
    ["it has no subjectAltName", { names: undefined }, ["warning names_missing"]],
    [
      "its subjectAltName has no host",
      { names: [{ type: "email", value: "a@example.com" }] },
      ["warning names_missing"],
    ],
    ["it is for another host", { names: dns("other.example.com") }, ["warning host_uncovered"]],
    ["it is for the sub-domains only", { names: dns(`*.${HOST}`) }, ["warning host_uncovered"]],
    ["it is for the domain's sub-domains", { names: dns("*.example.com") }, []],
    [
      "it has several faults",
      { toDay: -2, names: dns("a.example.com") },
      ["error certificate_expired", "warning host_uncovered"],
    ],
  ];
  for (const [name, options, expected] of cases) {
    test(name, async () => {
      const leaf = await issue({ name: HOST, issuer: world.middle, names: dns(HOST), ...options });
      expect(await codes(leaf.cert + world.middle.cert, leaf.key)).toEqual([...expected]);
    });
  }

  test("its RSA key has 1024 bits", async () => {
    const keys = await makeRsaKeys(1024);
    const leaf = await issue({ name: HOST, issuer: world.middle, names: dns(HOST), keys });
    expect(await codes(leaf.cert + world.middle.cert, leaf.key)).toEqual(["error key_weak"]);
  });

  test("its issuer expired", async () => {
    const old = await issue({
      name: "Old",
      ca: true,
      issuer: world.root,
      fromDay: -100,
      toDay: -1,
    });
    const leaf = await issue({ name: HOST, issuer: old, names: dns(HOST) });
    expect(await codes(leaf.cert + old.cert, leaf.key)).toEqual(["warning chain_expired"]);
  });

  test("its issuer's name fits, but another key signed it", async () => {
    const impostor = await issue({ name: "Middle", ca: true, issuer: world.root });
    const leaf = await issue({ name: HOST, issuer: impostor, names: dns(HOST) });
    expect(await codes(leaf.cert + world.middle.cert, leaf.key)).toEqual(["error chain_order"]);
  });

  test("its issuer's key fits, but not the name", async () => {
    const renamed = await issue({ name: "Renamed", ca: true, keys: world.middle.keys });
    expect(await codes(world.leaf.cert + renamed.cert, world.leaf.key)).toEqual([
      "error chain_order",
    ]);
  });

  test("it has the public address as a DNS name", async () => {
    const leaf = await issue({ name: HOST, issuer: world.middle, names: dns(HOST, "10.0.0.1") });
    const hosts = [HOST, "10.0.0.1"];
    expect(await codes(leaf.cert + world.middle.cert, leaf.key, hosts)).toEqual([
      "warning host_uncovered",
    ]);
  });

  test("each public host that is not covered is named once", async () => {
    const { leaf, middle } = world;
    const hosts = ["b.example.org", HOST, "10.0.0.1", "b.example.org"];
    const findings = await inspect(leaf.cert + middle.cert, leaf.key, hosts);
    expect(findings.map(({ code, host }) => `${code} ${host}`)).toEqual([
      "host_uncovered b.example.org",
      "host_uncovered 10.0.0.1",
    ]);
  });

  test("the leaf of a chain in the wrong order is still the one that is held against them", async () => {
    const days = { fromDay: -85, toDay: 5 };
    const leaf = await issue({ name: HOST, issuer: world.middle, names: dns(HOST), ...days });
    expect(await codes(world.middle.cert + leaf.cert, leaf.key)).toEqual([
      "error chain_order",
      "warning certificate_expiring",
    ]);
  });
});

describe("findings of inspectCertificate()", () => {
  test("say what was found and what to do, in one line each", async () => {
    const { leaf } = world;
    const [finding] = await inspect(leaf.cert, leaf.key);
    expect(finding?.found).toBe(
      `tls.cert has only the certificate of CN=${HOST}, not that of its issuer CN=Middle: phones will refuse it`,
    );
    expect(finding?.remedy).toContain("fullchain.pem");
  });

  test("say which certificate should come first", async () => {
    const { leaf, middle } = world;
    const [finding] = await inspect(middle.cert + leaf.cert, leaf.key);
    expect(finding?.found).toBe(
      "tls.cert is in the wrong order: tls.key belongs to certificate 2 of 2, but CN=Middle comes first",
    );
  });

  test("say which certificate does not follow", async () => {
    const { leaf, root } = world;
    const [finding] = await inspect(leaf.cert + root.cert, leaf.key);
    expect(finding?.found).toBe(
      `tls.cert is in the wrong order: certificate 2 of 2 (CN=Root) did not sign the one before it (CN=${HOST})`,
    );
  });

  test("list only the first of many hosts", async () => {
    const names = dns("a.example", "b.example", "c.example", "d.example", "e.example", "f.example");
    const leaf = await issue({ name: "Many", issuer: world.middle, names });
    const [finding] = await inspect(leaf.cert + world.middle.cert, leaf.key);
    expect(finding?.found).toBe(
      `The certificate of CN=Many is not for ${HOST}, only for a.example, b.example, c.example, d.example, e.example, …`,
    );
  });

  test("say how long is left", async () => {
    const days = { fromDay: -80, toDay: 1.5 };
    const leaf = await issue({ name: HOST, issuer: world.middle, names: dns(HOST), ...days });
    const [finding] = await inspect(leaf.cert + world.middle.cert, leaf.key);
    expect(finding?.found).toBe(
      `The certificate of CN=${HOST} expires in 1 day, at 2026-06-03T00:00:00.000Z`,
    );
  });

  test("guess what a file without PEM is", async () => {
    const binary = "0\uFFFD\u0003\uFFFD0\uFFFD";
    const [cert, key] = await inspect(binary, world.leaf.cert);
    expect(cert?.found).toBe(
      "tls.cert has no certificate: it is binary (DER or PKCS#12), not PEM text",
    );
    expect(key?.found).toBe("tls.key has no private key: it holds CERTIFICATE");
  });

  test("keep to one line whatever a certificate is named", async () => {
    const leaf = await issue({ name: "a\nforged\u0085\u001b[31m line" });
    const findings = await inspect(leaf.cert, leaf.key);
    expect(findings.length).toBeGreaterThan(0);
    expect(findings.filter(({ found }) => /\p{Cc}/u.test(found))).toEqual([]);
  });

  test("never quote a key", async () => {
    const { leaf, middle } = world;
    const [finding] = await inspect(leaf.cert + middle.cert, damaged(leaf.key));
    expect(finding?.found).toMatch(/^tls\.key cannot be parsed: its PRIVATE KEY block is damaged/);
    expect(finding?.found).not.toContain(leaf.key.slice(60, 80));
  });
});

const OLD_ENCRYPTED_KEY = `-----BEGIN RSA PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-128-CBC,85A6E85F6C66F75C01DDA95BF1543B32

AAAA
-----END RSA PRIVATE KEY-----
`;

function crlf(text: string): string {
  return text.replaceAll("\n", "\r\n");
}

function cr(text: string): string {
  return text.replaceAll("\n", "\r");
}

function twice(text: string): readonly [string, string] {
  return [text, text];
}

/** Keeps the PEM frame and the length, spoils what is inside. */
function damaged(pem: string): string {
  return pem.replace(/(-----\n)[^-]{40}/, `$1${"A".repeat(40)}`);
}

function asType(key: string, type: "pkcs1" | "sec1"): string {
  return createPrivateKey(key).export({ format: "pem", type }).toString();
}

function encrypted(key: string, type: "pkcs8"): string {
  const options = { format: "pem", type, cipher: "aes-256-cbc", passphrase: "x" } as const;
  return createPrivateKey(key).export(options).toString();
}
