import { z } from "zod";
import { LIMITS } from "../core/limits.ts";
import { ANSWERS, timed } from "./answers.ts";
import { BODIES } from "./bodies.ts";
import { answer, json } from "./content.ts";
import type { Operation } from "./operation.ts";
import { limitParameter } from "./parameters.ts";

const SseText = z.string().meta({
  description:
    'Server-sent events. `command` has a delivery as its data and the id of the command as its id; `state` has an offer of state; `drain` has `{"retry_after_ms":…}`, after which the device is to come again: as the server stops, after about five minutes in any case, and when nothing of what it was sent was acknowledged in time. `replaced` says that newer streams of the device took its place. A comment comes every 15 seconds',
  examples: [
    'event: command\nid: 019b76da-a800-7000-8000-000000000001\ndata: {"id":"019b76da-a800-7000-8000-000000000001","type":"open","data":{"slot":4},"attempt":1,"expires_at":1767312000000}\n\n',
  ],
});

/** Commands, for the devices that obey them and for the backend that sends them. */
export const COMMAND_OPERATIONS: readonly Operation[] = [
  {
    method: "GET",
    path: "/v1/devices/:id/commands",
    id: "pollCommands",
    tag: "devices",
    summary: "The device: get commands, or wait for them. The backend: list them",
    description: `With the secret of the device this is a poll, which uses \`wait\`, \`max\` and \`cursor\`. Its commands are leased to the device for ${LIMITS.commandLeaseMs / 1000} seconds, unless the server is configured otherwise, and delivered again, with a higher \`attempt\`, where they are neither acknowledged nor answered by then. The client's read timeout has to be longer than \`wait\`.\n\nWith the API key it is a list of the device's commands, newest first, which uses \`limit\` and \`before\`.`,
    access: "either",
    parameters: [
      {
        name: "wait",
        in: "query",
        schema: z.int().min(0).max(LIMITS.heldMaxSeconds).default(25),
        description:
          "For how many seconds the answer may wait for a command. A larger number is taken for the largest.",
      },
      {
        name: "max",
        in: "query",
        schema: z.int().min(1).max(LIMITS.commandsPerFetch).default(10),
        description: "At most so many commands. A larger number is taken for the largest.",
      },
      {
        name: "cursor",
        in: "query",
        schema: z.uuid(),
        description:
          "Of the answer before. Acknowledges every command of that answer that is still leased.",
      },
      limitParameter(LIMITS.commandsPerPage, LIMITS.commandsPerPage),
      {
        name: "before",
        in: "query",
        schema: z.string().max(64),
        description: "Goes on behind this command: the `next` of the page before.",
      },
    ],
    answers: {
      200: json(
        "Commands, or a state to follow, or both; to the backend a page of its list.",
        z.union([timed(ANSWERS.Poll), timed(ANSWERS.CommandPage)]),
      ),
      204: {
        description: "Nothing came in time. Ask again.",
        headers: {
          "Server-Time": "Milliseconds since 1970, as the server's clock has them.",
          "Retry-After":
            "Seconds after which to ask again; only where the server is ending, or newer requests of the device took the place of this one.",
        },
      },
    },
    refusals: {
      400: ["query_invalid"],
      404: ["device_unknown", "command_unknown"],
      429: ["waiters_exceeded"],
    },
  },
  {
    method: "GET",
    path: "/v1/devices/:id/commands/stream",
    id: "streamCommands",
    tag: "devices",
    summary: "Get commands as they come",
    description:
      'Server-sent events; with the headers of a websocket handshake a websocket on the same path. Polls, streams and sockets may be open at once: each command goes to one of them. What is not acknowledged when its lease ends comes again.\n\nOn the websocket the server sends text frames `{"command":…}` with a `Delivery`, `{"state":…}` with a `StateOffer`, and `{"ref":1,"ok":true}` or `{"ref":1,"error":{"code":…,"message":…}}` in reply to a frame of the device, which is a `DeviceFrameBody`: `{"ref":1,"ack":"<command>"}` or `{"ref":2,"result":{"command":"<command>","ok":true,"data":…}}`.',
    access: "device",
    parameters: [
      {
        name: "lastEventId",
        in: "query",
        schema: z.string(),
        description: "Some EventSource programs add it. It changes nothing.",
      },
    ],
    answers: {
      101: { description: "It is a websocket from now on." },
      200: {
        description: "The stream, which ends when the server does or the device is removed.",
        media: { "text/event-stream": SseText },
      },
    },
    refusals: {
      400: ["query_invalid"],
      429: ["waiters_exceeded", "connection_rate_exceeded"],
    },
  },
  {
    method: "POST",
    path: "/v1/devices/:id/commands/:command/ack",
    id: "ackCommand",
    tag: "devices",
    summary: "The device has the command and is at work on it",
    description:
      "Needed only where the result takes longer than the lease. It may come late and it may come twice.",
    access: "device",
    answers: { 200: answer("The command's status.", ANSWERS.CommandStatus) },
    refusals: { 404: ["command_unknown"], 409: ["command_undelivered", "command_settled"] },
  },
  {
    method: "POST",
    path: "/v1/devices/:id/commands/:command/result",
    id: "postCommandResult",
    tag: "devices",
    summary: "The device did it, or failed",
    description:
      "Counts as an acknowledgement too. The same result again is answered as the first; another one is `command_settled`.",
    access: "device",
    body: json("How it ended.", BODIES.CommandResultBody),
    answers: { 200: answer("The command's status.", ANSWERS.CommandStatus) },
    refusals: {
      400: ["result_invalid"],
      404: ["command_unknown"],
      409: ["command_undelivered", "command_settled"],
    },
  },
  {
    method: "POST",
    path: "/v1/devices/:id/commands",
    id: "sendCommand",
    tag: "backend",
    summary: "Send a command, and perhaps wait for its end",
    access: "backend",
    body: json("What the device is to do.", BODIES.CommandBody),
    answers: {
      200: answer("The command, which has its end.", ANSWERS.Command),
      202: answer("The command, which is queued or on its way.", ANSWERS.Command),
    },
    refusals: {
      400: ["command_invalid"],
      404: ["device_unknown"],
      409: ["command_key_taken"],
      429: ["command_queue_full", "waiters_exceeded"],
    },
  },
  {
    method: "GET",
    path: "/v1/devices/:id/commands/:command",
    id: "getCommand",
    tag: "backend",
    summary: "What became of a command",
    description: "A command can be asked for until 7 days after its end.",
    access: "backend",
    answers: { 200: answer("The command.", ANSWERS.Command) },
    refusals: { 404: ["command_unknown"] },
  },
  {
    method: "DELETE",
    path: "/v1/devices/:id/commands/:command",
    id: "cancelCommand",
    tag: "backend",
    summary: "Cancel a command that is still queued",
    access: "backend",
    answers: { 200: answer("The command, which is canceled.", ANSWERS.Command) },
    refusals: {
      404: ["command_unknown"],
      409: ["command_leased", "command_acked", "command_settled"],
    },
  },
];
