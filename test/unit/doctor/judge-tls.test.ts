import { describe, expect, test } from "bun:test";
import { judgeTls } from "../../../src/doctor/judge-tls.ts";
import type { TlsSeen } from "../../../src/doctor/observe-tls.ts";
import { readCertificates } from "../../../src/tls/certificate.ts";
import { day, dns, type Issued, issue, makeRsaKeys, NOW } from "../tls/issue.ts";

const HOST = "push.example.com";
const root = await issue({ name: "Test Root", ca: true, toDay: 3650 });
const middle = await issue({ name: "Test Middle", issuer: root, ca: true, toDay: 1000 });
const leaf = await issue({ name: HOST, issuer: middle, names: dns(HOST) });

const VERSIONS = {
  "1.0": "refused",
  "1.1": "refused",
  "1.2": "accepted",
  "1.3": "accepted",
} as const;
const TRUSTED = { isTrusted: true } as const;
const UNTRUSTED = { isTrusted: false, reason: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" } as const;

function chainOf(...issued: readonly Issued[]) {
  return readCertificates(issued.map(({ cert }) => cert).join(""));
}

function codesOf(seen: Partial<TlsSeen>): string[] {
  const chain = seen.chain ?? chainOf(leaf, middle);
  const all = {
    versions: VERSIONS,
    trust: TRUSTED,
    chain,
    isLinked: chain.slice(1).map(() => true),
  };
  const findings = judgeTls({ ...all, ...seen }, { host: HOST, now: NOW });
  return findings.filter(({ severity }) => severity !== "ok").map(({ code }) => code);
}

const expired = await issue({ name: HOST, issuer: middle, names: dns(HOST), toDay: -0.5 });
const expiring = await issue({ name: HOST, issuer: middle, names: dns(HOST), toDay: 10 });
const early = await issue({ name: HOST, issuer: middle, names: dns(HOST), fromDay: 1 });
const long = await issue({ name: HOST, issuer: middle, names: dns(HOST), toDay: 800 });
const other = await issue({ name: "other", issuer: middle, names: dns("other.example.com") });
const nameless = await issue({ name: HOST, issuer: middle });
const alone = await issue({ name: HOST, names: dns(HOST) });
const weak = await issue({
  name: HOST,
  issuer: middle,
  names: dns(HOST),
  keys: await makeRsaKeys(1024),
});
const old = await issue({ name: "Old Middle", issuer: root, ca: true, toDay: -0.5 });
const isrg = await issue({ name: "ISRG Root X1", ca: true });
const encrypt = await issue({ name: "E7", issuer: isrg, ca: true });
const encrypted = await issue({ name: HOST, issuer: encrypt, names: dns(HOST) });

describe("judgeTls()", () => {
  test.each<[string, Partial<TlsSeen>, string[]]>([
    ["a full chain", {}, []],
    ["a chain with its root", { chain: chainOf(leaf, middle, root) }, []],
    ["the leaf alone", { chain: chainOf(leaf), trust: UNTRUSTED }, ["chain_incomplete"]],
    ["a leaf that a known root signed", { chain: chainOf(leaf), trust: TRUSTED }, []],
    ["a foreign issuer behind the leaf", { isLinked: [false] }, ["chain_order"]],
    ["an expired leaf", { chain: chainOf(expired, middle) }, ["certificate_expired"]],
    ["a leaf that ends soon", { chain: chainOf(expiring, middle) }, ["certificate_expiring"]],
    ["a leaf of tomorrow", { chain: chainOf(early, middle) }, ["certificate_premature"]],
    ["a leaf for years", { chain: chainOf(long, middle) }, ["certificate_too_long"]],
    ["a leaf for another name", { chain: chainOf(other, middle) }, ["name_uncovered"]],
    ["a leaf without names", { chain: chainOf(nameless, middle) }, ["name_uncovered"]],
    ["a weak key", { chain: chainOf(weak, middle) }, ["key_weak"]],
    ["an expired issuer", { chain: chainOf(leaf, old) }, ["issuer_expired"]],
    ["a young root", { chain: chainOf(encrypted, encrypt) }, ["root_young"]],
    [
      "a self-signed leaf",
      { chain: chainOf(alone), trust: { isTrusted: false, reason: "DEPTH_ZERO_SELF_SIGNED_CERT" } },
      ["certificate_self_signed"],
    ],
    [
      "a private authority",
      { trust: { isTrusted: false, reason: "SELF_SIGNED_CERT_IN_CHAIN" } },
      ["root_unknown"],
    ],
    [
      "a name that only the runtime minds",
      { trust: { isTrusted: false, reason: "ERR_TLS_CERT_ALTNAME_INVALID" } },
      [],
    ],
    [
      "a hidden chain that is not trusted",
      { chain: [], isLinked: [], trust: { isTrusted: false, reason: "CERT_HAS_EXPIRED" } },
      ["root_unknown"],
    ],
    ["old versions", { versions: { ...VERSIONS, "1.0": "accepted" } }, ["tls_old"]],
    ["TLS 1.3 only", { versions: { ...VERSIONS, "1.2": "refused" } }, ["tls_12_missing"]],
    ["no handshake", { trust: { trouble: "reset" } }, ["tls_failed"]],
    ["HTTP/2 only", { trust: { trouble: "http2" } }, ["http2_only"]],
  ])("of %s", (_, seen, codes) => {
    expect(codesOf(seen)).toEqual(codes);
  });

  test.each([
    [TRUSTED, "root_known"],
    [{ isTrusted: true, isNamed: false }, "root_known"],
    [{ isTrusted: true, isNamed: true }, "root_named"],
  ] as const)("says of the authority of a chain with the trust %j: %s", (trust, code) => {
    const chain = chainOf(leaf, middle);
    const seen = { versions: VERSIONS, trust, chain, isLinked: [true] };
    const codes = judgeTls(seen, { host: HOST, now: NOW }).map((it) => it.code);
    expect(codes.filter((it) => it.startsWith("root_"))).toEqual([code]);
  });

  test("says from which Android on a root is known", () => {
    const seen = { versions: VERSIONS, trust: TRUSTED, isLinked: [true] };
    const findings = judgeTls(
      { ...seen, chain: chainOf(encrypted, encrypt) },
      { host: HOST, now: day(0) },
    );
    const young = findings.find(({ code }) => code === "root_young");
    expect(young?.values).toEqual({ root: "CN=ISRG Root X1", android: "7.1.1" });
  });
});
