import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import type { AcmeParts } from "../compose/acme.ts";
import type { AcmeConfig } from "../config/acme-schema.ts";
import type { Config } from "../config/config.ts";
import { isPrivateAddress } from "../doctor/target.ts";
import { namesCover } from "../tls/host-names.ts";
import type { Finding } from "./checks.ts";
import { explainIo } from "./io-errors.ts";

const CHALLENGES_PORT = 80;

/** Looks at what an authority needs to find before it certifies anything. */
export async function probeAcme(
  { domains, directoryUrl }: AcmeConfig,
  { httpPort, publicUrl }: Config["server"],
  acme: AcmeParts | undefined,
): Promise<Finding[]> {
  return [
    keptFinding(acme, directoryUrl),
    ...(httpPort === CHALLENGES_PORT ? [] : [portFinding(httpPort)]),
    ...uncoveredFinding(domains, publicUrl),
    ...(await Promise.all(domains.map(nameFinding))),
  ];
}

function keptFinding(acme: AcmeParts | undefined, directoryUrl: string): Finding {
  const { host } = new URL(directoryUrl);
  const { pair, unfit } = acme?.source ?? {};
  if (pair !== undefined) {
    const end = pair.leaf.notAfter.toISOString().slice(0, 10);
    const names = pair.leaf.hosts.map(({ value }) => value).join(", ");
    return { status: "ok", found: `kept from ${host}: ${names}, until ${end}` };
  }
  if (unfit === undefined) {
    return { status: "ok", found: `none from ${host} yet: the server orders one when it starts` };
  }
  const found = `what is kept from ${host} cannot be used: ${unfit}`;
  return { status: "warn", found, remedy: "Nothing: the server orders another when it starts" };
}

function portFinding(httpPort: number | undefined): Finding {
  const found = `authorities ask at port 80, server.http_port is ${httpPort}`;
  const remedy = `Leave server.http_port out, or have whatever is at port 80 pass /.well-known/acme-challenge/ on to port ${httpPort}`;
  return { status: "warn", found, remedy };
}

function uncoveredFinding(domains: readonly string[], publicUrl = ""): Finding[] {
  const host = URL.canParse(publicUrl) ? new URL(publicUrl).hostname : undefined;
  const names = domains.map((value) => ({ type: "dns" as const, value }));
  if (host === undefined || namesCover(names, host)) return [];
  const found = `acme.domains has not ${host}, the host of server.public_url`;
  return [{ status: "warn", found, remedy: `Add ${host} to acme.domains` }];
}

async function nameFinding(name: string): Promise<Finding> {
  try {
    const addresses = (await lookup(name, { all: true })).map(({ address }) => address);
    return judgeAddresses(name, addresses, ownAddresses());
  } catch (error) {
    const found = `cannot find ${name}: ${explainIo(error)}`;
    const remedy = `Add an A or AAAA record for ${name} that leads to this machine`;
    return { status: "fail", found, remedy };
  }
}

/** Says whether an authority gets here by what the name service told of a name, as far as that can be seen from here. */
export function judgeAddresses(
  name: string,
  addresses: readonly string[],
  own: readonly string[],
): Finding {
  const found = `${name} leads to ${addresses.join(", ")}`;
  const remedy = `Correct the A and AAAA records of ${name}: they are to have the public address of this machine, or of what passes port 80 on to it`;
  if (addresses.every(isPrivateAddress)) {
    return { status: "warn", found: `${found}, which no authority reaches`, remedy };
  }
  const ownPublic = own.filter((address) => !isPrivateAddress(address));
  const strays = addresses.filter((address) => !own.includes(address));
  // A machine without a public address of its own has one in front: nothing can be said from here.
  if (ownPublic.length === 0 || strays.length === 0) return { status: "ok", found };
  const what = `of which ${strays.join(", ")} is not this machine's (it has ${ownPublic.join(", ")})`;
  return { status: "warn", found: `${found}, ${what}`, remedy };
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((it) => it.address));
}
