import type { Clock } from "../core/ports/clock.ts";
import type { Courier } from "../core/ports/courier.ts";
import { exchange, readBody } from "./exchange.ts";

/** Carries requests over HTTP: every status is an answer, whatever becomes of its body. */
export function createCourier(clock: Clock): Courier {
  return {
    send: (request) =>
      exchange(clock, request, {
        failed: "could not be reached",
        async read(response) {
          const { bytes } = await readBody(response, request.answerMaxBytes);
          return {
            ok: true,
            status: response.status,
            header: (name) => response.headers.get(name) ?? undefined,
            text: new TextDecoder().decode(bytes),
          };
        },
      }),
  };
}
