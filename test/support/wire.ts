/** The client protocol's JSON as an outsider reads it: only the fields the tests look into. */

export interface WirePublication {
  readonly data: unknown;
  readonly offset?: number;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface WireSubscription {
  readonly recoverable?: boolean;
  readonly positioned?: boolean;
  readonly epoch?: string;
  readonly offset?: number;
  readonly recovered?: boolean;
  readonly was_recovering?: boolean;
  readonly publications?: readonly WirePublication[];
}

export interface WireConnect {
  readonly client: string;
  readonly version: string;
  readonly ping?: number;
  readonly pong?: boolean;
  readonly session?: string;
  readonly node?: string;
  readonly subs?: Readonly<Record<string, WireSubscription>>;
}

export interface WirePush {
  readonly channel?: string;
  readonly pub?: WirePublication;
  readonly connect?: WireConnect;
  readonly unsubscribe?: { readonly code: number; readonly reason: string };
  readonly disconnect?: { readonly code: number; readonly reason: string };
}

/** One line of a frame: a reply when it has an `id`, a push when it has a `push`, else a ping. */
export interface WireLine {
  readonly id?: number;
  readonly error?: {
    readonly code: number;
    readonly message: string;
    readonly temporary?: boolean;
  };
  readonly connect?: WireConnect;
  readonly subscribe?: WireSubscription;
  readonly unsubscribe?: Readonly<Record<string, unknown>>;
  readonly push?: WirePush;
}

/** One line where pushes may be bare, as clients get them that only listen. */
export type WireMessage = WireLine & Omit<WirePush, "unsubscribe">;

/** The JSON of a line, or an empty object for the plain text some lines are. */
export function parseLine(text: string): WireLine {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
