import { z } from "zod";
import { BindingBody } from "../protocol/binding-body.ts";
import { CommandBody, CommandResultBody } from "../protocol/command-body.ts";
import { DeviceChangeBody, EnrollBody, NewDeviceBody, PushBody } from "../protocol/device-body.ts";
import { DeviceFrameBody } from "../protocol/device-frame.ts";
import { EventBody } from "../protocol/event-body.ts";
import { LoginBody, SessionBody } from "../protocol/login-body.ts";
import { TicketBody } from "../protocol/ticket-body.ts";
import { ReplayBody } from "../protocol/webhook-body.ts";

/** The schemas that decode requests, by the name under which the document shows them. */
export const BODIES = {
  EventBody,
  CommandBody,
  CommandResultBody,
  NewDeviceBody,
  DeviceChangeBody,
  EnrollBody,
  PushBody,
  BindingBody,
  TicketBody,
  LoginBody,
  SessionBody,
  ReplayBody,
  DeviceFrameBody,
} as const;

/** What a state is changed by. Its bounds are those of the whole state, and are checked where it is changed. */
export const StatePatchBody = z.record(z.string(), z.unknown()).meta({
  description: "A merge patch (RFC 7396): null removes a member",
  examples: [{ temperature: 4, door: null }],
});
