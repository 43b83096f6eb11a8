import { LIMITS } from "../core/limits.ts";
import { ANSWERS } from "./answers.ts";
import { BODIES } from "./bodies.ts";
import { answer, json } from "./content.ts";
import type { Operation } from "./operation.ts";

const BOUND = `At most ${LIMITS.loginBodyMaxBytes} bytes.`;

/** How users come to the tickets that let their clients in. */
export const MINI_PROGRAM_OPERATIONS: readonly Operation[] = [
  {
    method: "POST",
    path: "/v1/tickets",
    id: "makeTicket",
    tag: "mini-program",
    summary: "The backend lets one of its users in",
    description:
      "The backend, which knows its user, hands the `url` of the answer to the user's client, which opens it as a websocket, once.",
    access: "backend",
    body: json("Whom to let in, and to what.", BODIES.TicketBody),
    answers: { 200: answer("The ticket.", ANSWERS.Ticket) },
    refusals: {
      400: ["ticket_invalid", "channel_malformed", "device_malformed", "glob_malformed"],
      429: ["tickets_full"],
    },
  },
  {
    method: "POST",
    path: "/v1/login/session",
    id: "loginBySession",
    tag: "mini-program",
    summary: "A ticket for a user who logged in before",
    access: "anyone",
    body: json(`What the login gave. ${BOUND}`, BODIES.SessionBody),
    answers: { 200: answer("The ticket.", ANSWERS.SessionTicket) },
    refusals: {
      400: ["login_invalid"],
      401: ["session_invalid", "session_expired"],
      429: ["login_rate_exceeded", "tickets_full"],
    },
  },
  {
    method: "POST",
    path: "/v1/login/:name",
    id: "login",
    tag: "mini-program",
    summary: "A mini-program logs its user in by the code of its platform",
    description:
      "The server asks the platform who the code stands for. The user gets what is bound to him and no more.",
    access: "anyone",
    body: json(`The code. ${BOUND}`, BODIES.LoginBody),
    answers: { 200: answer("The ticket, and a session for further ones.", ANSWERS.LoginAnswer) },
    refusals: {
      400: ["login_invalid"],
      401: ["login_code_invalid", "login_code_used"],
      403: ["login_user_blocked"],
      404: ["login_unknown"],
      429: ["login_rate_exceeded", "login_busy", "tickets_full"],
      502: ["login_failed"],
      503: ["login_unavailable"],
    },
  },
];
