import type { Courier, CourierAnswer } from "../../../src/core/ports/courier.ts";
import type { WebRequest } from "../../../src/core/ports/web-client.ts";

/** Something under way that a test lets arrive. */
export interface Parcel {
  readonly url: string;
  readonly id: string;
  readonly request: WebRequest;
  readonly answer: (status: number, headers?: Readonly<Record<string, string>>) => void;
  readonly lose: (why: string) => void;
}

/** Carries nothing anywhere: a test plays the other side. */
export class FakeCourier implements Courier {
  /** Everything that was sent, in order. */
  readonly sent: Parcel[] = [];
  /** What is answered at once; undefined lets the test answer. */
  script: (parcel: Parcel) => number | undefined = () => undefined;

  async send(request: WebRequest): Promise<CourierAnswer> {
    const { promise, resolve } = Promise.withResolvers<CourierAnswer>();
    const parcel: Parcel = {
      url: request.url,
      id: request.headers?.["webhook-id"] ?? "",
      request,
      answer: (status, headers = {}) =>
        resolve({ ok: true, status, header: (name) => headers[name], text: "" }),
      lose: (why) => resolve({ ok: false, why }),
    };
    this.sent.push(parcel);
    const status = this.script(parcel);
    if (status !== undefined) parcel.answer(status);
    return await promise;
  }

  get ids(): string[] {
    return this.sent.map(({ id }) => id);
  }

  /** The last one sent with that id. */
  last(id: string): Parcel {
    const parcel = this.sent.findLast((it) => it.id === id);
    if (parcel === undefined) throw new Error(`Cannot answer ${id}: it was not sent`);
    return parcel;
  }
}
