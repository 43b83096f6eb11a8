import { z } from "zod";
import { LIMITS } from "../core/limits.ts";
import { AddedDevice, ANSWERS, DevicePage } from "./answers.ts";
import { BODIES } from "./bodies.ts";
import { answer, answerOf, DONE, json } from "./content.ts";
import type { Operation } from "./operation.ts";
import { limitParameter } from "./parameters.ts";

const { Binding, Device } = ANSWERS;

const REGISTRY: readonly Operation[] = [
  {
    method: "POST",
    path: "/v1/devices",
    id: "addDevice",
    tag: "backend",
    summary: "Add a device",
    access: "backend",
    body: { ...json("The device.", BODIES.NewDeviceBody), optional: true },
    answers: {
      201: answer("The device with its secret, which is shown this once.", AddedDevice),
    },
    refusals: {
      400: ["device_invalid", "device_malformed", "device_name_malformed", "device_meta_invalid"],
      409: ["device_exists", "devices_full"],
      413: ["device_meta_too_large"],
    },
  },
  {
    method: "GET",
    path: "/v1/devices",
    id: "listDevices",
    tag: "backend",
    summary: "The devices, in order of id",
    access: "backend",
    parameters: [
      limitParameter(LIMITS.devicesPerPage, 100),
      {
        name: "after",
        in: "query",
        schema: z.string(),
        description: "Starts behind this id: the `next` of the page before.",
      },
      {
        name: "search",
        in: "query",
        schema: z.string().max(LIMITS.deviceSearchMaxChars),
        description: "Only those whose id or name contains this text, whatever its case (ASCII).",
      },
      {
        name: "online",
        in: "query",
        schema: z.boolean(),
        description: "Only those that are online, or are not.",
      },
    ],
    answers: { 200: answer("A page of them.", DevicePage) },
    refusals: { 400: ["query_invalid", "device_malformed"] },
  },
  {
    method: "GET",
    path: "/v1/devices/:id",
    id: "getDevice",
    tag: "backend",
    summary: "One device",
    access: "backend",
    answers: { 200: answer("The device.", Device) },
    refusals: { 404: ["device_unknown"] },
  },
  {
    method: "PATCH",
    path: "/v1/devices/:id",
    id: "changeDevice",
    tag: "backend",
    summary: "Change what a device is called and described by, or let it enroll",
    description: "`meta` is a merge patch (RFC 7396) for the meta that is there.",
    access: "backend",
    body: json("What changes.", BODIES.DeviceChangeBody),
    answers: { 200: answer("The device as it is now.", Device) },
    refusals: {
      400: ["device_invalid", "device_name_malformed", "device_meta_invalid"],
      404: ["device_unknown"],
      413: ["device_meta_too_large"],
    },
  },
  {
    method: "DELETE",
    path: "/v1/devices/:id",
    id: "removeDevice",
    tag: "backend",
    summary: "Remove a device with its bindings, its state and its commands",
    access: "backend",
    answers: { 204: DONE },
    refusals: { 404: ["device_unknown"] },
  },
  {
    method: "POST",
    path: "/v1/devices/:id/secret",
    id: "rotateSecret",
    tag: "backend",
    summary: "Give a device a new secret, which ends the old one",
    access: "backend",
    answers: { 200: answer("The secret, which is shown this once.", ANSWERS.NewDeviceSecret) },
    refusals: { 404: ["device_unknown"] },
  },
];

const BINDINGS: readonly Operation[] = [
  {
    method: "PUT",
    path: "/v1/users/:user/devices/:id",
    id: "bindDevice",
    tag: "backend",
    summary: "Let a user see a device, and send it commands",
    description:
      "Live clients of the user are subscribed at once. Without a body he may send every type of command. Binding again replaces the patterns.",
    access: "backend",
    body: { ...json("Which commands.", BODIES.BindingBody), optional: true },
    answers: { 200: answer("The binding.", Binding) },
    refusals: {
      400: ["binding_invalid"],
      404: ["device_unknown"],
      409: ["bindings_full"],
    },
  },
  {
    method: "DELETE",
    path: "/v1/users/:user/devices/:id",
    id: "unbindDevice",
    tag: "backend",
    summary: "The user may no longer see the device",
    description: "Live clients of the user are unsubscribed at once.",
    access: "backend",
    answers: { 204: DONE },
    refusals: { 400: ["binding_invalid"], 404: ["binding_unknown"] },
  },
  {
    method: "GET",
    path: "/v1/users/:user/devices",
    id: "listDevicesOfUser",
    tag: "backend",
    summary: "The devices bound to a user",
    access: "backend",
    answers: {
      200: answerOf("All of them.", {
        devices: z.array(
          z.strictObject({ id: Binding.shape.device, commands: Binding.shape.commands }),
        ),
      }),
    },
    refusals: { 400: ["binding_invalid"] },
  },
  {
    method: "GET",
    path: "/v1/devices/:id/users",
    id: "listUsersOfDevice",
    tag: "backend",
    summary: "The users to whom a device is bound",
    access: "backend",
    answers: {
      200: answerOf("All of them.", { users: z.array(Binding.omit({ device: true })) }),
    },
  },
];

/** What the backend does with its devices and with who owns them. */
export const BACKEND_OPERATIONS: readonly Operation[] = [...REGISTRY, ...BINDINGS];
