import { expect, test } from "bun:test";
import { rootCertificates } from "node:tls";
import { readCertificates } from "../../../src/tls/certificate.ts";
import { isPublicAuthority } from "../../../src/tls/public-authorities.ts";
import { issue } from "./issue.ts";

test("isPublicAuthority() knows the roots of the public authorities", () => {
  const roots = rootCertificates.slice(-5).flatMap((root) => readCertificates(root));
  expect(roots.map(isPublicAuthority)).toEqual([true, true, true, true, true]);
});

test("isPublicAuthority() is not fooled by a name", async () => {
  const [known] = readCertificates(rootCertificates[0] ?? "");
  const name = /CN=([^,]+)/.exec(known?.subject ?? "")?.[1] ?? "";
  const [impostor] = readCertificates((await issue({ name, ca: true })).cert);
  expect(impostor?.subject).toContain(name);
  expect(impostor && isPublicAuthority(impostor)).toBe(false);
});
