import { userChannel } from "../core/channel.ts";
import { Fault } from "../core/faults.ts";
import type { Identity } from "../core/grants.ts";
import type { Backend } from "../core/ports/backend.ts";
import type { TokenClaims, TokenVerifier } from "../core/ports/tokens.ts";
import { ERROR } from "../protocol/codes.ts";
import { resultFrom } from "./backend-answer.ts";
import type { Client } from "./client.ts";
import type { LiveBindings } from "./live-bindings.ts";
import { Refusal } from "./protocol-error.ts";
import type { ServerSubscription } from "./server-side.ts";

/** A client that is let in. */
export interface Admitted {
  readonly identity: Identity;
  /** What it is subscribed to without asking. */
  readonly subs: readonly ServerSubscription[];
  /** JSON text for the client. */
  readonly data?: string;
  /** When the bindings in the identity were read, as {@link LiveBindings} counts. */
  readonly readAt: number;
}

/** What a client shows and says of itself when it connects. */
export interface Introduction {
  readonly client: Client;
  /** "" when it brought none. */
  readonly token: string;
  readonly name?: string;
  readonly version?: string;
  /** JSON text. */
  readonly data?: string;
  /** Channels it would recover, or would like to be subscribed to. */
  readonly channels: readonly string[];
}

export interface AdmissionOptions {
  /** Absent: no token can be right, since no key is configured. */
  readonly tokens: TokenVerifier | undefined;
  /** Asked about who brings no token. This and `userChannels` are read for each client: they may change. */
  readonly backend: Backend;
  /** Development and test suites only: whoever comes may do everything. */
  readonly unrestricted: boolean;
  /** Everyone who is signed in is subscribed to the channel of their user. */
  readonly userChannels: boolean;
  readonly bindings: Pick<LiveBindings, "read">;
}

export interface Admission {
  /**
   * Lets in whoever holds a good token or whom the backend lets in. Resolves to undefined when
   * someone without a token is not let in; throws `token_invalid`, `token_expired` or a refusal in
   * the backend's words.
   */
  admit(introduction: Introduction): Promise<Admitted | undefined>;
}

/** A person nobody knows: no user, no channels, no rights. */
export const VISITOR: Admitted = {
  identity: {
    user: "",
    devices: new Set(),
    commands: new Map(),
    bindings: new Map(),
    unrestricted: false,
  },
  subs: [],
  // Nobody in particular has no bindings.
  readAt: Number.POSITIVE_INFINITY,
};

export function createAdmission(options: AdmissionOptions): Admission {
  const { tokens, unrestricted, bindings } = options;

  async function byToken(token: string): Promise<Admitted> {
    if (tokens === undefined) {
      throw new Fault("token_invalid", { detail: "this server has no key to check it with" });
    }
    return admittedBy(await tokens.verify(token), unrestricted);
  }

  async function recognize(introduction: Introduction): Promise<Admitted | undefined> {
    if (introduction.token !== "") return byToken(introduction.token);
    const { connect } = options.backend;
    if (connect !== undefined) return byBackend(connect, introduction, unrestricted);
    if (!unrestricted) return undefined;
    return { ...VISITOR, identity: { ...VISITOR.identity, unrestricted } };
  }

  return {
    async admit(introduction) {
      const recognized = await recognize(introduction);
      if (recognized === undefined) return undefined;
      const admitted = options.userChannels ? withUserChannel(recognized) : recognized;
      const { bindings: owned, readAt } = await bindings.read(admitted.identity.user);
      return { ...admitted, identity: { ...admitted.identity, bindings: owned }, readAt };
    },
  };
}

/** What a token or the backend says of that channel counts more than that it is there. */
function withUserChannel(admitted: Admitted): Admitted {
  const { identity, subs } = admitted;
  const channel = userChannel(identity.user);
  if (channel === undefined || subs.some((sub) => sub.channel === channel)) return admitted;
  return { ...admitted, subs: [...subs, { channel }] };
}

async function byBackend(
  ask: NonNullable<Backend["connect"]>,
  { client, data, name, version, channels }: Introduction,
  unrestricted: boolean,
): Promise<Admitted> {
  const { user: _, meta: __, ...asked } = client.asBackendUser();
  const grant = resultFrom(
    await ask({
      ...asked,
      ...(data !== undefined && { data }),
      ...(name !== undefined && { name }),
      ...(version !== undefined && { version }),
      ...(channels.length > 0 && { channels }),
    }),
  );
  const nowMs = client.services.clock.nowMs();
  if (grant.expiresAtMs !== undefined && grant.expiresAtMs <= nowMs)
    throw new Refusal(ERROR.expired);
  const admitted = admittedBy(grant, unrestricted);
  return grant.data === undefined ? admitted : { ...admitted, data: grant.data };
}

function admittedBy(claims: TokenClaims, unrestricted: boolean): Admitted {
  const { user, devices, commands, expiresAtMs, info, meta, channels, subs } = claims;
  const plain = channels.filter((channel) => !subs.has(channel));
  return {
    ...VISITOR,
    identity: {
      ...VISITOR.identity,
      user,
      devices: new Set(devices),
      unrestricted,
      ...(commands !== undefined && { commands }),
      ...(expiresAtMs !== undefined && { expiresAtMs }),
      ...(info !== undefined && { info }),
      ...(meta !== undefined && { meta }),
    },
    subs: [
      ...plain.map((channel) => ({ channel })),
      ...[...subs].map(([channel, sub]) => ({ channel, ...sub })),
    ],
  };
}
