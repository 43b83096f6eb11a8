import { expect, test } from "bun:test";
import { inspectCertificate } from "../../../src/tls/inspect.ts";
import { lintCertificate } from "../../../src/tls/lint-certificate.ts";
import { rehearse } from "../../../src/tls/rehearse.ts";
import { dns, issue, NOW } from "./issue.ts";
import { issueForSigning, issueUnsupported } from "./unsupported-key.ts";

const HOST = "gate.example.com";

test("rehearse() refuses what the runtime would, without quoting the key, and nothing else", async () => {
  const fit = await issue({ name: HOST, names: dns(HOST) });
  const other = await issue({ name: HOST, names: dns(HOST) });
  expect(rehearse({ cert: fit.cert, key: fit.key })).toEqual([]);
  const unfit = [{ cert: fit.cert, key: other.key }, await issueUnsupported(HOST, NOW)];
  for (const files of unfit) {
    const [finding] = rehearse(files);
    expect(finding).toMatchObject({ code: "certificate_refused", severity: "error" });
    expect(JSON.stringify(finding)).not.toContain(files.key.slice(30, 60));
  }
});

test("lintCertificate() finds what only the runtime sees", async () => {
  const offered = { ...(await issueForSigning(HOST)), findings: [] };
  const options = { section: "certificates.a", publicHosts: [HOST], now: NOW };
  const { findings } = await lintCertificate(offered, options);
  const errors = findings.filter(({ severity }) => severity === "error");
  expect(errors).toMatchObject([
    {
      code: "certificate_refused",
      found: expect.stringMatching(/^certificates\.a\.cert and certificates\.a\.key .*KEY_USAGE/),
    },
  ]);
});

test("inspectCertificate() names the curve of a key that it can read and no runtime serves", async () => {
  const { cert, key } = await issueUnsupported(HOST, NOW);
  const findings = await inspectCertificate({ cert, key, publicHosts: [HOST], now: NOW });
  const errors = findings.filter(({ severity }) => severity === "error");
  expect(errors).toMatchObject([
    { code: "key_unsupported", found: expect.stringContaining("on the curve secp224r1") },
  ]);
});
