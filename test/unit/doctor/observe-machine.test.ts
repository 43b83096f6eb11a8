import { expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { observeMachine } from "../../../src/doctor/observe-machine.ts";

const QUESTION = { nowMs: 0, env: {}, dataPath: undefined };

test.if(process.platform === "linux")(
  "observeMachine() reads the limit of files of the server that runs, else its own",
  async () => {
    const child = spawn("sh", ["-c", "ulimit -n 77; echo set; read end"], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    const ended = once(child, "exit");
    await once(child.stdout, "data");
    const of = { filesMax: 77, isFilesMaxOfServer: true };
    expect(await observeMachine({ ...QUESTION, serverPid: child.pid })).toMatchObject(of);
    child.stdin.end("\n");
    await ended;
    const own = await observeMachine({ ...QUESTION, serverPid: child.pid });
    expect(own.isFilesMaxOfServer).toBe(false);
    expect(own.filesMax).not.toBe(77);
  },
);
