import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { BACKEND_KEY, Backend } from "../support/backend.ts";
import { CentrifugeClient } from "../support/centrifuge-client.ts";
import { addDevice } from "../support/cli.ts";
import { eventually } from "../support/inbox.ts";
import { startPosthorn } from "../support/posthorn.ts";
import { BLACK_BOX_TIMEOUT_MS, EXECUTABLE, TARGETS, type Target } from "../support/targets.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { type Receiving, Terminal } from "../support/terminal.ts";
import { signToken } from "../support/tokens.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(2 * BLACK_BOX_TIMEOUT_MS);

interface Size {
  readonly terminals: number;
  readonly eventsEach: number;
  readonly commandsEach: number;
}

const FULL: Size = { terminals: 9, eventsEach: 500, commandsEach: 250 };
const SMALL: Size = { terminals: 3, eventsEach: 200, commandsEach: 60 };

const WAYS: readonly Receiving[] = ["poll", "acking-poll", "stream"];

/** In which part of all commands the server ends, and how. */
const ENDS = [
  { share: 0.1, end: "kill" },
  { share: 0.4, end: "stop" },
  { share: 0.7, end: "kill" },
] as const;

/** A publication of a device's channel, as far as this proof looks at it. */
interface Told {
  readonly id: string;
  readonly type: string;
  readonly data: {
    readonly n?: number;
    readonly command?: string;
    readonly attempt?: number;
    readonly generation?: number;
  };
}

describe("a terminal on a bad line", () => {
  test.each(TARGETS.map((target) => ({ name: target.name, target })))(
    "has every event told once and obeys every command once, through cuts, reboots and kills of $name",
    async ({ target }) => proveExactlyOnce(target, target === EXECUTABLE ? FULL : SMALL),
  );
});

async function proveExactlyOnce(target: Target, size: Size): Promise<void> {
  await using scope = new AsyncDisposableStack();
  const workspace = scope.use(await Workspace.make());
  const config = {
    api: { keys: [BACKEND_KEY] },
    channels: { device: { history_size: 10_000 } },
    // So that what a cut or a reboot lost comes again soon.
    devices: { command_lease: "1s" },
    limits: { recovery_max_publications: 10_000 },
  };
  const start = () => startPosthorn(target, { workspace, config });
  let server = scope.use(await start());
  const line = scope.use(await TcpProxy.start(server.port));
  const listenerLine = scope.use(await TcpProxy.start(server.port));

  const terminals: Terminal[] = [];
  for (let index = 0; index < size.terminals; index += 1) {
    const credentials = await addDevice(target, workspace, `till-${index}`);
    const way = WAYS[index % WAYS.length];
    terminals.push(new Terminal(`http://127.0.0.1:${line.port}`, credentials, way));
  }
  const devices = terminals.map(({ id }) => id);
  const listener = scope.use(
    new CentrifugeClient(`ws://127.0.0.1:${listenerLine.port}`, {
      token: signToken({ sub: "owner", devices }),
    }),
  );
  listener.connect();
  await Promise.all(devices.map((id) => listener.subscribe(`device:${id}`)));

  for (const terminal of terminals) {
    for (let n = 1; n <= size.eventsEach; n += 1) terminal.say({ n });
    terminal.boot();
    scope.defer(() => terminal.unplug());
  }
  const sent = new Map<string, string[]>();
  const sending = terminals.map(async ({ id }) => {
    const ids: string[] = [];
    sent.set(id, ids);
    for (let n = 1; n <= size.commandsEach; n += 1) {
      ids.push(await sendUntilQueued(() => server.url, id, n));
    }
  });

  let isOver = false;
  const trouble = makeTrouble(() => isOver, { line, terminals });
  const wanted = size.terminals * size.commandsEach;
  for (const { share, end } of ENDS) {
    const what = `${share} of the effects`;
    const isThere = () => effectsOf(terminals) >= share * wanted || undefined;
    await eventually(isThere, what, BLACK_BOX_TIMEOUT_MS);
    await server[end]();
    server = scope.use(await start());
    line.targetPort = server.port;
    listenerLine.targetPort = server.port;
  }
  await Promise.all(sending);
  await eventually(
    () => effectsOf(terminals) >= wanted || undefined,
    `${wanted} commands to take effect`,
    BLACK_BOX_TIMEOUT_MS,
  );
  isOver = true;
  await trouble;
  await eventually(
    () => terminals.every((it) => it.hasNothingToSay) || undefined,
    "the terminals to have said everything",
    BLACK_BOX_TIMEOUT_MS,
  );

  const backend = new Backend(server.url);
  for (const terminal of terminals) {
    const ids = sent.get(terminal.id) ?? [];
    await expectEventsOnce(listener, terminal, size.eventsEach);
    await expectCommandsOnce({ listener, terminal, ids, backend });
    expectHonestLives(toldOf(listener, terminal.id), ids);
    expectTurns(toldOf(listener, terminal.id));
  }
  // Otherwise nothing of this was put to the test.
  expect(Math.max(...terminals.map((it) => it.attemptsMax))).toBeGreaterThan(1);
  expect(sumOf(terminals, (it) => it.repeatedDeliveries)).toBeGreaterThan(0);
  expect(sumOf(terminals, (it) => it.duplicateEvents)).toBeGreaterThan(0);
  expect(await server.stop()).toBe(0);
}

function sumOf(terminals: readonly Terminal[], of: (terminal: Terminal) => number): number {
  return terminals.reduce((sum, terminal) => sum + of(terminal), 0);
}

function effectsOf(terminals: readonly Terminal[]): number {
  return sumOf(terminals, ({ effects }) => effects.size);
}

/** A backend that repeats what was not acknowledged, under the key that makes it the same command. */
function sendUntilQueued(url: () => string, device: string, n: number): Promise<string> {
  const attempt = async (): Promise<string | undefined> => {
    try {
      const body = JSON.stringify({ type: "open", data: { n }, key: `open-${n}` });
      const answer = await new Backend(url()).post(`/v1/devices/${device}/commands`, body);
      return answer.status === 202 || answer.status === 200
        ? JSON.parse(answer.text).id
        : undefined;
    } catch {
      return undefined; // the server was being killed: whether it was queued is unknown
    }
  };
  return eventually(attempt, `command ${n} of ${device} to be queued`, BLACK_BOX_TIMEOUT_MS);
}

interface Troubled {
  readonly line: TcpProxy;
  readonly terminals: readonly Terminal[];
}

/** Cuts lines and switches terminals off until all is over. */
async function makeTrouble(isOver: () => boolean, { line, terminals }: Troubled): Promise<void> {
  for (let round = 0; !isOver(); round += 1) {
    line.cut((index) => (index + round) % 3 === 0);
    await terminals[round % terminals.length]?.reboot();
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
}

async function expectEventsOnce(
  listener: CentrifugeClient,
  { id }: Terminal,
  count: number,
): Promise<void> {
  const seen = () => toldOf(listener, id).filter(({ type }) => type === "reading");
  await eventually(() => seen().length >= count || undefined, `${count} events of ${id}`);
  expect(seen().map(({ data }) => data.n)).toEqual(
    Array.from({ length: count }, (_, index) => index + 1),
  );
}

interface Obeyed {
  readonly listener: CentrifugeClient;
  readonly terminal: Terminal;
  readonly ids: readonly string[];
  readonly backend: Backend;
}

async function expectCommandsOnce({ listener, terminal, ids, backend }: Obeyed): Promise<void> {
  expect(new Set(ids).size).toBe(ids.length);
  expect([...terminal.effects.keys()].sort()).toEqual([...ids].sort());
  expect([...terminal.effects.values()].every((times) => times === 1)).toBe(true);
  const ended = () => toldOf(listener, terminal.id).filter(({ type }) => type === "command.done");
  await eventually(() => ended().length >= ids.length || undefined, `the ends of ${terminal.id}`);
  expect(
    ended()
      .map(({ data }) => data.command)
      .sort(),
  ).toEqual([...ids].sort());
  for (const id of ids) {
    const { text } = await backend.get(`/v1/devices/${terminal.id}/commands/${id}`);
    const command = JSON.parse(text);
    expect(command.status).toBe("done");
    // Never fewer than reached it: who runs a command twice is told so.
    expect(command.attempt).toBeGreaterThanOrEqual(terminal.deliveriesOf(id));
  }
}

/** What may be told of a command after which; a repeated delivery goes back to the queue. */
const NEXT: Readonly<Record<string, RegExp>> = {
  "command.queued": /^command\.(sent|acked|done)$/,
  "command.sent": /^command\.(queued|acked|done)$/,
  "command.acked": /^command\.done$/,
  "command.done": /^never$/,
};

/** Every step was told once, in an order that can be, and with as many attempts as there were. */
function expectHonestLives(told: readonly Told[], ids: readonly string[]): void {
  const ofCommands = told.filter(({ data }) => data.command !== undefined);
  expect(new Set(ofCommands.map(({ id }) => id)).size).toBe(ofCommands.length);
  const firstSent = ofCommands.filter((it) => it.type === "command.sent" && it.data.attempt === 1);
  expect(firstSent.map(({ data }) => data.command)).toEqual([...ids]);
  const lives = Map.groupBy(ofCommands, ({ data }) => data.command ?? "");
  for (const id of ids) {
    const life = lives.get(id) ?? [];
    expect(life[0]).toMatchObject({ type: "command.queued", data: { attempt: 0 } });
    expect(life.at(-1)?.type).toBe("command.done");
    for (const [index, { type, data }] of life.slice(1).entries()) {
      const before = life[index];
      expect(type).toMatch(NEXT[before?.type ?? ""] ?? /^never$/);
      expect(data.attempt).toBe((before?.data.attempt ?? 0) + (type === "command.sent" ? 1 : 0));
    }
  }
}

/** It came and went by turns, each numbered, none told twice or left out. */
function expectTurns(told: readonly Told[]): void {
  const turns = told.filter(({ type }) => type === "device.online" || type === "device.offline");
  expect(turns.length).toBeGreaterThan(0);
  for (const [index, { type, data }] of turns.entries()) {
    expect(data.generation).toBe(index + 1);
    expect(type).toBe(index % 2 === 0 ? "device.online" : "device.offline");
  }
}

function toldOf(listener: CentrifugeClient, device: string): readonly Told[] {
  return listener.publications.items
    .filter(({ channel }) => channel === `device:${device}`)
    .map(({ data }) => data as Told);
}
