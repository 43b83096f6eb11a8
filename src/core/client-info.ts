/** How a client appears to others in presence and in joins. */
export interface ClientInfo {
  readonly user: string;
  readonly client: string;
  /** JSON text of the connection's info. */
  readonly connInfo?: string;
  /** JSON text of the subscription's info. */
  readonly chanInfo?: string;
}
