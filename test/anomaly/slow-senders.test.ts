import { expect, setDefaultTimeout, test } from "bun:test";
import { makeCertificateFiles } from "../support/certificates.ts";
import { runCliOk } from "../support/cli.ts";
import { Device } from "../support/device.ts";
import { startPosthorn } from "../support/posthorn.ts";
import { RawConnection, rawRequest } from "../support/raw-http.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS, type Target } from "../support/targets.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const DRIPPERS = 100;
const DRIP_MS = 500;
/** Longer than the phone below needs, so that it is not the phone which is cut. */
const BODY_TIMEOUT_S = 10;
/** Every dripper is gone by then. */
const GONE_MS = 20_000;
const PHONE_BYTES_PER_SECOND = 2_000;
const PHONE_EVENT_BYTES = 14_000;
const HEALTHY_MAX_MS = 1_500;

// Time itself is what this is about, so all targets wait at once.
test("who drips a head, a body or a hello of TLS is cut; slow phones and healthy devices are not, on every target", async () => {
  const outcomes = await Promise.all(TARGETS.map(outcomeOf));
  expect(outcomes).toEqual(
    TARGETS.map(({ name }) => ({
      name,
      phone: 200,
      isFast: true,
      bodies: [408],
      headsGone: true,
      hellosGone: true,
    })),
  );
});

async function outcomeOf(target: Target) {
  await using workspace = await Workspace.make();
  const { cert, key } = await makeCertificateFiles(target, workspace);
  const config = {
    tls: { cert, key },
    server: { http_port: 0, http_serves: "everything" },
    limits: { body_timeout: `${BODY_TIMEOUT_S}s` },
  };
  await using server = await startPosthorn(target, { workspace, config });
  const [listening] = server.logged("server.listening");
  const httpPort = Number(listening?.["httpPort"]);
  const { id, secret } = JSON.parse(
    await runCliOk(target, ["device", "add", "till-1", "--json"], { workspace }),
  );
  const device = new Device(`http://127.0.0.1:${httpPort}`, { id, secret });
  using scope = new DisposableStack();
  const heads = await drippers(scope, httpPort, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Drip: ");
  const hellos = await drippers(scope, server.port, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc");
  const bodies = await drippers(scope, httpPort, postHead(secret, 60_000));
  const phone = postSlowly(httpPort, secret);
  const slowestMs = await slowestPostMs(device);
  const phoneStatus = await phone;
  const statuses = await Promise.all(bodies.map(async (it) => (await it.answer()).status));
  // Deno has no word for how long a head or a hello may take: what it holds is bounded by its open files.
  const isCutting = target.name !== "deno";
  const areCut = async (it: readonly RawConnection[]) => !isCutting || areGone(it);
  const [headsGone, hellosGone] = await Promise.all([areCut(heads), areCut(hellos)]);
  return {
    name: target.name,
    phone: phoneStatus,
    isFast: slowestMs < HEALTHY_MAX_MS,
    bodies: [...new Set(statuses)],
    headsGone,
    hellosGone,
  };
}

async function areGone(connections: readonly RawConnection[]): Promise<boolean> {
  const ended = connections.map((it) => it.ended(GONE_MS));
  return (await Promise.allSettled(ended)).every(({ status }) => status === "fulfilled");
}

/** Connections that send a little, and then one byte now and then. */
async function drippers(scope: DisposableStack, port: number, start: string) {
  const opened: RawConnection[] = [];
  for (let n = 0; n < DRIPPERS; n += 1) opened.push(scope.use(await RawConnection.open(port)));
  for (const it of opened) it.write(start);
  const drip = setInterval(() => {
    for (const it of opened) it.write("x");
  }, DRIP_MS);
  scope.defer(() => clearInterval(drip));
  return opened;
}

function postHead(secret: string, bytes: number): string {
  return rawRequest([
    "POST /v1/devices/till-1/events HTTP/1.1",
    "Host: x",
    `Authorization: Bearer ${secret}`,
    "Content-Type: application/json",
    `Content-Length: ${bytes}`,
  ]);
}

/** Posts as a phone on a bad link does; gives the status. */
async function postSlowly(port: number, secret: string): Promise<number> {
  using connection = await RawConnection.open(port);
  const event = JSON.stringify({ id: "slow", type: "t", data: "x".repeat(PHONE_EVENT_BYTES) });
  connection.write(postHead(secret, event.length));
  for (let sent = 0; sent < event.length; sent += PHONE_BYTES_PER_SECOND / 4) {
    await Bun.sleep(250);
    connection.write(event.slice(sent, sent + PHONE_BYTES_PER_SECOND / 4));
  }
  return (await connection.answer()).status;
}

/** What the slowest of some posts took, made while others drip. */
async function slowestPostMs(device: Device): Promise<number> {
  let slowestMs = 0;
  for (let n = 0; n < 50; n += 1) {
    const startedMs = performance.now();
    expect((await device.post({ type: "t", data: n })).status).toBe(200);
    slowestMs = Math.max(slowestMs, performance.now() - startedMs);
    await Bun.sleep(50);
  }
  return slowestMs;
}
