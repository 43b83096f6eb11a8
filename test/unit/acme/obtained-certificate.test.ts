import { describe, expect, test } from "bun:test";
import { AcmeFiles } from "../../../src/acme/acme-files.ts";
import { readPair } from "../../../src/acme/certificate-pair.ts";
import { ObtainedCertificate } from "../../../src/acme/obtained-certificate.ts";
import { makeCertificates } from "../../../src/tls/make-certificates.ts";
import { ServedCertificates } from "../../../src/tls/served-certificates.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingLog } from "../../support/recording-log.ts";
import { Workspace } from "../../support/workspace.ts";

const START_MS = Date.UTC(2026, 5, 1);

describe("ObtainedCertificate", () => {
  test("keeps its place with one that no client accepts, without a word, until there is another", async () => {
    await using workspace = await Workspace.make();
    const [clock, log] = [new FakeClock(START_MS), new RecordingLog()];
    const files = new AcmeFiles(workspace.file("acme"), "https://ca.test/dir");
    const obtained = await ObtainedCertificate.open(files, clock);
    const publicHosts = ["push.example.com"];
    const served = await ServedCertificates.read({ sources: [obtained], publicHosts, clock, log });
    served.admit();
    expect(log.lines).toEqual([]);
    expect(served.states()).toMatchObject([
      { name: "acme", hosts: ["no-certificate-yet.posthorn.invalid"] },
    ]);

    const made = await makeCertificates({ hosts: publicHosts, now: new Date(START_MS) });
    const pair = await readPair(made, START_MS);
    if ("unfit" in pair) throw new Error(pair.unfit);
    await obtained.take(pair);
    expect(await served.reload()).toBe(true);
    expect(log.of("tls.reloaded")).toMatchObject([{ certificate: "acme", hosts: publicHosts }]);
    expect(served.current()).toMatchObject([{ cert: made.cert, key: made.key }]);
  });
});
