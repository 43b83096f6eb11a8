import { z } from "zod";
import type { Clock } from "../core/ports/clock.ts";
import { type AccountKey, bindExternalAccount, type ExternalAccount } from "./account-key.ts";
import { AcmeFailure } from "./acme-failure.ts";
import { type Answer, type Authority, readAs } from "./authority.ts";
import type { Challenges } from "./challenges.ts";
import { ACME_LIMITS } from "./limits.ts";
import { makeRequestedKey } from "./new-key.ts";
import { AcmeProblem, toFailure, unusable } from "./problem-words.ts";
import { wait } from "./wait.ts";

/** Who asks, and for what. */
export interface OrderOptions {
  readonly names: readonly string[];
  readonly email?: string | undefined;
  readonly external?: ExternalAccount | undefined;
  /** What the authority calls the certificate that this one is to follow (RFC 9773). */
  readonly replaces?: string | undefined;
  readonly key: AccountKey;
  readonly challenges: Challenges;
  readonly clock: Clock;
  readonly stopped: AbortSignal;
}

/** PEM texts as the authority and we made them. */
export interface NewCertificate {
  /** The leaf, then the intermediates. */
  readonly cert: string;
  readonly key: string;
}

const Order = z.object({
  status: z.enum(["pending", "ready", "processing", "valid", "invalid"]),
  authorizations: z.array(z.string()).max(ACME_LIMITS.namesMax),
  finalize: z.string(),
  certificate: z.string().optional(),
  error: AcmeProblem.optional(),
});
type Order = z.infer<typeof Order>;

const Authorization = z.object({
  status: z.enum(["pending", "valid", "invalid", "deactivated", "expired", "revoked"]),
  identifier: z.object({ value: z.string() }),
  challenges: z.array(
    z.object({
      type: z.string(),
      url: z.string().default(""),
      token: z.string().default(""),
      error: AcmeProblem.optional(),
    }),
  ),
});
type Authorization = z.infer<typeof Authorization>;

/** What a token may consist of: it ends up in a path. */
const TOKEN = /^[A-Za-z0-9_-]{16,512}$/;
const ORDERING = "Cannot order a certificate";

/** Has an authority certify a new key for these names. Throws an `AcmeFailure` that says why it did not. */
export async function orderCertificate(
  authority: Authority,
  options: OrderOptions,
): Promise<NewCertificate> {
  authority.useAccount(await openAccount(authority, options));
  const { url, order } = await placeOrder(authority, options);
  for (const address of order.authorizations) await authorize(authority, address, options);
  return await finish(authority, { ...options, url, order });
}

/** The account of this key; it is made when there is none. */
async function openAccount(
  authority: Authority,
  { key, email, external }: OrderOptions,
): Promise<string> {
  const doing = "Cannot open an account with the certificate authority";
  const { newAccount, meta } = authority.directory;
  if (meta.externalAccountRequired === true && external === undefined) {
    const why = "it only takes those who have an account on its site";
    const remedy = "Set acme.eab_kid and acme.eab_key to what the authority's site shows";
    throw new AcmeFailure(`${doing}: ${why}`, { remedy });
  }
  const bound = external && (await bindExternalAccount(external, key.jwk, newAccount));
  const wanted = {
    // The operator has agreed in the configuration.
    termsOfServiceAgreed: true,
    ...(email !== undefined && { contact: [`mailto:${email}`] }),
    ...(bound !== undefined && { externalAccountBinding: bound }),
  };
  const remedy =
    external && "Correct acme.eab_kid and acme.eab_key: some are good for one account only";
  const { location } = await authority.post(newAccount, wanted, { doing, remedy });
  if (location === undefined) throw unusable(doing, "the authority did not say where it is");
  return location;
}

async function placeOrder(authority: Authority, { names, replaces }: OrderOptions) {
  const { newOrder, renewalInfo } = authority.directory;
  const identifiers = names.map((value) => ({ type: "dns", value }));
  const wanted = { identifiers, ...(renewalInfo !== undefined && replaces && { replaces }) };
  const answer = await authority.post(newOrder, wanted, { doing: ORDERING });
  const { location: url, text } = answer;
  if (url === undefined) throw unusable(ORDERING, "the authority did not say where the order is");
  return { url, order: readAs(Order, { text, doing: ORDERING }) };
}

/** Shows the authority that the name of one authorization leads here. */
async function authorize(authority: Authority, url: string, options: OrderOptions): Promise<void> {
  const read = async () => {
    const answer = await authority.post(url, undefined, { doing: ORDERING });
    return { answer, value: readAs(Authorization, { text: answer.text, doing: ORDERING }) };
  };
  const { value: first } = await read();
  if (first.status === "valid") return;
  const doing = `Cannot show that ${first.identifier.value} leads here`;
  const challenge = first.challenges.find(({ type }) => type === "http-01");
  if (challenge === undefined || !TOKEN.test(challenge.token)) {
    throw unusable(doing, "the authority offers no check over http (http-01)");
  }
  const { token } = challenge;
  using _held = options.challenges.hold(token, `${token}.${options.key.thumbprint}`);
  await authority.post(challenge.url, {}, { doing });
  const checked = await poll(read, ({ status }) => status === "pending", { ...options, doing });
  if (checked.status === "valid") return;
  throw toFailure(whyNot(checked), { doing });
}

function whyNot({ status, challenges }: Authorization): AcmeProblem {
  const told = challenges.find(({ error }) => error !== undefined)?.error;
  return told ?? { type: status, detail: "the authority does not say why", subproblems: [] };
}

interface Placed extends OrderOptions {
  readonly url: string;
  readonly order: Order;
}

/** Has the key certified, now that the names are known to be ours. */
async function finish(authority: Authority, placed: Placed): Promise<NewCertificate> {
  const doing = ORDERING;
  const read = async () => {
    const answer = await authority.post(placed.url, undefined, { doing });
    return { answer, value: readAs(Order, { text: answer.text, doing }) };
  };
  const ready = await poll(read, ({ status }) => status === "pending", { ...placed, doing });
  if (ready.status === "invalid") throw refused(ready);
  const { key, csr } = await makeRequestedKey(placed.names);
  await authority.post(ready.finalize, { csr }, { doing });
  const isGoingOn = ({ status }: Order) => status === "processing" || status === "ready";
  const done = await poll(read, isGoingOn, { ...placed, doing });
  if (done.status !== "valid" || done.certificate === undefined) throw refused(done);
  const { text: cert } = await authority.post(done.certificate, undefined, { doing });
  return { cert, key };
}

function refused({ error, status }: Order): AcmeFailure {
  const problem = error ?? { type: status, detail: "it does not say why", subproblems: [] };
  return toFailure(problem, { doing: ORDERING });
}

interface Polling extends Pick<OrderOptions, "clock" | "stopped"> {
  readonly doing: string;
}

/** Reads until the authority is done with it, as often as it wants us to. */
async function poll<Value>(
  read: () => Promise<{ readonly answer: Answer; readonly value: Value }>,
  isGoingOn: (value: Value) => boolean,
  { clock, stopped, doing }: Polling,
): Promise<Value> {
  const giveUpAtMs = clock.monotonicMs() + ACME_LIMITS.pollForMs;
  let pauseMs: number = ACME_LIMITS.pollMs;
  while (true) {
    const { answer, value } = await read();
    if (!isGoingOn(value)) return value;
    const wantedMs = Math.max(answer.retryAfterMs ?? 0, pauseMs);
    if (clock.monotonicMs() + wantedMs > giveUpAtMs) {
      throw unusable(doing, "the authority takes too long");
    }
    await wait(clock, wantedMs, stopped);
    if (stopped.aborted) throw unusable(doing, "the server ends");
    pauseMs = Math.min(pauseMs * 2, ACME_LIMITS.pollMaxMs);
  }
}
