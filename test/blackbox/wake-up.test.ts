import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { BACKEND_KEY, Backend } from "../support/backend.ts";
import { addDevice, type DeviceCredentials } from "../support/cli.ts";
import { FakeJPush } from "../support/fake-jpush.ts";
import { eventually } from "../support/inbox.ts";
import { startPosthorn } from "../support/posthorn.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const TOKEN = "18071adc030dcba91c0";

describe.each(TARGETS)("a command at $name for a terminal that sleeps", (target) => {
  test("makes its push provider wake it, with a hint and never the command", async () => {
    await using workspace = await Workspace.make();
    await using jpush = new FakeJPush();
    jpush.devices.add(TOKEN);
    const { appKey, secret, url } = jpush.settings;
    const config = {
      api: { keys: [BACKEND_KEY] },
      push: { jpush: { provider: "jpush", url, app_key: appKey, secret } },
    };
    await using server = await startPosthorn(target, { workspace, config });
    const device = await addDevice(target, workspace, "sleeper");
    const registered = await asDevice(server.url, device)("PUT", "/push", {
      provider: "jpush",
      token: TOKEN,
    });
    expect(registered.status).toBe(204);
    const backend = new Backend(server.url);
    const body = JSON.stringify({ type: "open", data: { pin: "4711" } });
    const { text } = await backend.post("/v1/devices/sleeper/commands", body);
    await eventually(() => jpush.delivered[0], "the wake-up");
    const [{ hint, token } = { hint: "{}", token: "" }] = jpush.delivered;
    expect(token).toBe(TOKEN);
    expect(JSON.parse(hint)).toEqual({ t: "wake", n: 1, cmd: JSON.parse(text).id });

    const answer = await asDevice(server.url, device)("GET", "/commands?wait=0");
    const { commands } = JSON.parse(await answer.text());
    expect(commands).toMatchObject([{ type: "open", data: { pin: "4711" }, attempt: 1 }]);
  });

  test("names what is configured when a terminal registers with something else", async () => {
    await using workspace = await Workspace.make();
    await using server = await startPosthorn(target, { workspace });
    const device = await addDevice(target, workspace, "sleeper");
    const refused = await asDevice(server.url, device)("PUT", "/push", {
      provider: "jpush",
      token: TOKEN,
    });
    expect(refused.status).toBe(400);
    expect(JSON.parse(await refused.text())).toMatchObject({ code: "push_invalid" });
  });
});

function asDevice(url: string, { id, secret }: DeviceCredentials) {
  return (method: string, path: string, body?: object): Promise<Response> =>
    fetch(`${url}/v1/devices/${id}${path}`, {
      method,
      headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
}
