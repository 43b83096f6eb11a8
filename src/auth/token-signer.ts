import { SignJWT } from "jose";
import type { Channel } from "../core/channel.ts";
import type { DeviceId } from "../core/device-id.ts";
import type { Clock } from "../core/ports/clock.ts";

/** What a new connection token lets its bearer do. */
export interface TokenGrant {
  /** "" is an anonymous user. */
  readonly user: string;
  readonly channels: readonly Channel[];
  readonly devices: readonly DeviceId[];
  /** Patterns of the types of commands it may send to each of the devices. Absent: none. */
  readonly commands?: readonly string[];
  readonly ttlMs: number;
}

/** Whom a new subscription token lets into which channel. */
export interface SubscriptionGrant {
  readonly user: string;
  readonly channel: Channel;
  readonly ttlMs: number;
}

/** Makes tokens (JWT, HS256) that the server of the same configuration accepts. */
export interface TokenSigner {
  sign(grant: TokenGrant): Promise<string>;
  signSubscription(grant: SubscriptionGrant): Promise<string>;
}

export interface TokenSignerOptions {
  readonly secret: string;
  readonly audience?: string;
  readonly issuer?: string;
  /** The claim that names the user. */
  readonly userClaim: string;
  readonly clock: Clock;
}

export function createTokenSigner(options: TokenSignerOptions): TokenSigner {
  const { secret, audience, issuer, userClaim, clock } = options;
  const key = new TextEncoder().encode(secret);

  function make(user: string, claims: Readonly<Record<string, unknown>>, ttlMs: number) {
    const issuedAtS = Math.floor(clock.nowMs() / 1000);
    const token = new SignJWT({ [userClaim]: user, ...claims })
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .setIssuedAt(issuedAtS)
      .setExpirationTime(issuedAtS + Math.ceil(ttlMs / 1000));
    if (audience !== undefined) token.setAudience(audience);
    if (issuer !== undefined) token.setIssuer(issuer);
    return token.sign(key);
  }

  return {
    sign({ user, channels, devices, commands = [], ttlMs }) {
      const claims = {
        ...(channels.length > 0 && { channels }),
        ...(devices.length > 0 && { devices }),
        ...(commands.length > 0 && {
          commands: Object.fromEntries(devices.map((device) => [device, commands])),
        }),
      };
      return make(user, claims, ttlMs);
    },
    signSubscription: ({ user, channel, ttlMs }) => make(user, { channel }, ttlMs),
  };
}
