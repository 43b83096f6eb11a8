import { execFile } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { parseArguments, refuseArguments } from "./arguments.ts";
import type { Command, CommandContext } from "./command.ts";
import { type InstallPlan, type PlannedCommand, planInstall } from "./install/install-plan.ts";
import { compareExecutable, compareFile, putExecutable, putFile } from "./install/put-files.ts";
import { unreadableFiles } from "./install/readable-files.ts";
import { PLACES } from "./install/unit-file.ts";
import { whatNext } from "./install/what-next.ts";
import { isThere } from "./is-there.ts";

const OPTIONS = {
  "dry-run": { type: "boolean" },
  "no-start": { type: "boolean" },
  root: { type: "string" },
} as const;

const UNIT = "posthorn.service";
/** What a dry run shows for secrets: others would be made later. */
const SECRET_TO_COME = "made-when-it-is-really-installed-and-only-then";
/** It is there where systemd is the first process. */
const SYSTEMD_RUNS = "/run/systemd/system";
const run = promisify(execFile);

/** `posthorn install`. */
export const installCommand: Command = {
  name: "install",
  summary: "Install as a service of systemd, or upgrade it without a pause",
  usage: `Usage: posthorn install [--dry-run] [--no-start] [--root DIR]

  --dry-run   Print everything it would do, and every file, and do nothing
  --no-start  Neither enable nor start the service, nor let a running one be taken over
  --root DIR  Put the files below DIR, for an image, and run nothing

As root: copies this executable to ${PLACES.executable}, makes the user posthorn,
${PLACES.config} with fresh secrets where there is none, a hardened unit, and a
setting of the kernel; then enables and starts the service. Run it again after an upgrade of this
executable or a change of ports: what is as it should be stays, and a running service of which the
executable changed is taken over by a new process, without a pause (a changed unit needs
systemctl restart posthorn).
Undo: systemctl disable --now posthorn, and remove what --dry-run names.`,
  async run(args, context) {
    const { values, positionals } = parseArguments(args, OPTIONS);
    refuseArguments(positionals);
    const { "dry-run": isDry = false, "no-start": isQuiet = false, root } = values;
    const below = root === undefined ? undefined : resolve(context.cwd, root);
    if (below !== undefined) checkRoot(below);
    const place = placesIn(below ?? "");
    const executable = isDry ? undefined : executableOf(context);
    const isLive = !isDry && root === undefined;
    if (isLive) checkMachine(context, isQuiet);
    const configPath = place(PLACES.config);
    const configText = configAt(configPath);
    const { entropy } = context;
    const plan = planInstall({
      configText,
      configPath,
      entropy: isDry ? { ...entropy, token: () => SECRET_TO_COME } : entropy,
    });
    if (isDry) printPlan(plan, { context, place, isQuiet });
    else await install(plan, { context, place, executable: executable ?? "", isQuiet, isLive });
    context.stdout(whatNext({ configPath, isNew: configText === undefined, isDry, isLive }));
    return 0;
  },
};

type Place = (path: string) => string;

interface Doing {
  readonly context: CommandContext;
  readonly place: Place;
  readonly isQuiet: boolean;
}

async function install(
  plan: InstallPlan,
  doing: Doing & { readonly executable: string; readonly isLive: boolean },
): Promise<void> {
  const { context, place, executable, isQuiet, isLive } = doing;
  const target = place(PLACES.executable);
  const found = compareExecutable(executable, target);
  if (found !== "unchanged") putExecutable(executable, target);
  context.stdout(`${target}: ${found}\n`);
  for (const file of plan.files) {
    const placed = { ...file, path: place(file.path) };
    const put = compareFile(placed);
    if (put !== "unchanged") putFile(placed);
    context.stdout(`${placed.path}: ${put}\n`);
  }
  if (!isLive) return;
  for (const command of plan.commands) await perform(command, context);
  for (const line of await unreadableFiles(plan.config)) context.stderr(`${line}\n`);
  if (!isQuiet) await start(found === "changed", context);
}

/** Starts the service; one that runs is taken over when the executable is another one. */
async function start(isOther: boolean, context: CommandContext): Promise<void> {
  const isActive = await run("systemctl", ["is-active", "--quiet", UNIT]).then(
    () => true,
    () => false,
  );
  for (const command of startCommands({ isActive, isOther })) await perform(command, context);
}

function startCommands(found: { readonly isActive: boolean; readonly isOther: boolean }) {
  const enable: PlannedCommand = { words: ["systemctl", "enable", UNIT] };
  if (!found.isActive) return [enable, { words: ["systemctl", "start", UNIT] } as const];
  const takeOver = ["kill", "--kill-who=main", "--signal=SIGUSR2", UNIT] as const;
  return found.isOther ? [enable, { words: ["systemctl", ...takeOver] } as const] : [enable];
}

async function perform({ words, mayFail }: PlannedCommand, context: CommandContext) {
  const [program, ...args] = words;
  const line = words.join(" ");
  context.stdout(`${line}\n`);
  try {
    await run(program, args);
  } catch (cause) {
    const { stderr = "" } = cause as { readonly stderr?: string };
    const message = `Cannot run ${line}: ${stderr.trim() || String(cause)}`;
    if (mayFail !== true) throw new Error(message, { cause });
    context.stderr(`${message}\n`);
  }
}

function printPlan({ files, commands }: InstallPlan, { context, place, isQuiet }: Doing): void {
  const { stdout } = context;
  stdout(`Would copy this executable to ${place(PLACES.executable)} (755)\n`);
  for (const { path, mode, text } of files) {
    const put = compareFile({ path: place(path), text });
    stdout(`\nWould write ${place(path)} (${mode.toString(8)}, ${put}):\n\n${indented(text)}`);
  }
  const starting = isQuiet ? [] : startCommands({ isActive: false, isOther: false });
  stdout(`\nWould run:\n`);
  for (const { words } of [...commands, ...starting]) stdout(`  ${words.join(" ")}\n`);
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, "  ");
}

function placesIn(root: string): Place {
  return (path) => (root === "" ? path : join(root, path));
}

/** Throws where no directory can be. */
function checkRoot(directory: string): void {
  if (!isThere(directory)) checkRoot(dirname(directory));
  else if (!statSync(directory).isDirectory()) {
    throw new Error(`Cannot install below ${directory}: it is no directory`);
  }
}

function configAt(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

function executableOf({ own }: CommandContext): string {
  if (own?.isStandalone === true) return own.command[0];
  throw new Error(
    "Cannot install a runtime with sources: build the executable (bun run build) and run its install",
  );
}

function checkMachine({ own }: CommandContext, isQuiet: boolean): void {
  if (own?.uid !== 0) {
    throw new Error(
      "Cannot install: only root may; run it with sudo, or see what it would do with --dry-run",
    );
  }
  if (!isQuiet && !existsSync(SYSTEMD_RUNS)) {
    throw new Error(
      "Cannot start a service: systemd does not run this machine; put the files of an image in place with --root DIR, or run posthorn serve under what starts your services",
    );
  }
}
