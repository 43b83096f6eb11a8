import { nearest } from "../config/nearest.ts";
import { type DeviceId, parseDeviceId } from "../core/device-id.ts";
import type { DeviceRequest } from "../core/devices.ts";
import { parseJson } from "../protocol/json-body.ts";
import { asUsage, onlyArgument, parseArguments, refuseArguments } from "./arguments.ts";
import { type Command, type CommandContext, UsageError } from "./command.ts";
import { withDevices } from "./open-devices.ts";
import { printCredentials, printDevices } from "./print-devices.ts";

type Action = (args: readonly string[], context: CommandContext) => Promise<void>;

const ACTIONS: ReadonlyMap<string, Action> = new Map([
  ["add", add],
  ["list", list],
  ["rotate", rotate],
  ["remove", remove],
]);

const STORE_OPTIONS = { config: { type: "string" }, data: { type: "string" } } as const;
const OPTIONS = { ...STORE_OPTIONS, json: { type: "boolean" } } as const;
const ADD_OPTIONS = {
  name: { type: "string" },
  meta: { type: "string" },
  enroll: { type: "boolean" },
} as const;

/** `posthorn device`. */
export const deviceCommand: Command = {
  name: "device",
  summary: "Add, list and remove devices, give them new secrets",
  usage: `Usage: posthorn device add [ID] [--name NAME] [--meta JSON] [--enroll] [--json]
       posthorn device list [--json]
       posthorn device rotate ID [--json]
       posthorn device remove ID

  add     Register a device and print its secret, once; without ID one is made
  list    Print every device
  rotate  Give a device a new secret and print it, once; the old one ends
  remove  Let a device in no more

  --name NAME    What people call the device
  --meta JSON    An object with whatever the backend wants to know of it
  --enroll       Let a terminal with the fleet's key get a secret of it
  --json         Print {"id","secret"}; for list
                 [{"id","name","meta","enrollment","online","last_seen_at","created_at"}]
  --config FILE  The configuration file (default ./posthorn.toml, else /etc/posthorn/posthorn.toml)
  --data DIR     The directory of the store, instead of the configured one

A running server lets nobody in with what has ended after a second, and ends the streams and
websockets that are open by it within fifteen; polls that are held get nothing any more.
What list prints of a running server may be ten seconds old.`,
  async run([word, ...args], context) {
    await actionNamed(word)(args, context);
    return 0;
  },
};

function actionNamed(word: string | undefined): Action {
  const known = [...ACTIONS.keys()];
  const wanted = `wanted one of ${known.join(", ")}`;
  if (word === undefined) throw new UsageError(`Cannot run posthorn device: ${wanted}`);
  const action = ACTIONS.get(word);
  if (action !== undefined) return action;
  const near = nearest(word, known);
  const hint = near === undefined ? wanted : `did you mean ${near}?`;
  throw new UsageError(`Cannot run posthorn device ${JSON.stringify(word)}: ${hint}`);
}

async function add(args: readonly string[], context: CommandContext): Promise<void> {
  const { values, positionals } = parseArguments(args, { ...OPTIONS, ...ADD_OPTIONS });
  const { name, meta, enroll = false, json = false, ...store } = values;
  const request: DeviceRequest = {
    ...(positionals.length > 0 && { id: idFrom(positionals) }),
    ...(name !== undefined && { name }),
    ...(meta !== undefined && { meta: metaFrom(meta) }),
    enroll,
  };
  await withDevices(context, { args: store, makes: "store" }, async (devices) => {
    printCredentials(await devices.add(request), json, context);
  });
}

async function rotate(args: readonly string[], context: CommandContext): Promise<void> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const { json = false, ...store } = values;
  const id = idFrom(positionals);
  await withDevices(context, { args: store, makes: "nothing" }, async (devices) => {
    printCredentials(await devices.rotate(id), json, context);
  });
}

async function remove(args: readonly string[], context: CommandContext): Promise<void> {
  const { values, positionals } = parseArguments(args, STORE_OPTIONS);
  const id = idFrom(positionals);
  await withDevices(context, { args: values, makes: "nothing" }, (devices) => devices.remove(id));
  context.stderr(`Removed ${id}\n`);
}

async function list(args: readonly string[], context: CommandContext): Promise<void> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  refuseArguments(positionals);
  const { json = false, ...store } = values;
  await withDevices(context, { args: store, makes: "nothing" }, (devices) =>
    printDevices(devices, json, context),
  );
}

function idFrom(positionals: readonly string[]): DeviceId {
  return asUsage(() => parseDeviceId(onlyArgument("the id of a device", positionals)));
}

function metaFrom(text: string): string {
  return asUsage(() => {
    parseJson(text);
    return text;
  });
}
