import type {
  BackendClient,
  BackendUser,
  ConnectQuestion,
  PublishQuestion,
  RpcQuestion,
  SubscribeQuestion,
} from "../core/ports/backend.ts";

/** Members of an object by name, each JSON text; what is undefined is left out. */
type Members = Readonly<Record<string, string | undefined>>;

export function encodeConnectQuestion(question: ConnectQuestion): string {
  const { data, name, version, channels = [] } = question;
  return objectOf({
    ...clientMembers(question),
    data,
    name: quoted(name),
    version: quoted(version),
    channels: channels.length === 0 ? undefined : JSON.stringify(channels),
  });
}

export function encodeRefreshQuestion(question: BackendUser): string {
  return objectOf(userMembers(question));
}

export function encodeSubscribeQuestion(question: SubscribeQuestion): string {
  const { channel, token, data } = question;
  return objectOf({
    ...userMembers(question),
    channel: quoted(channel),
    token: quoted(token),
    data,
  });
}

export function encodePublishQuestion(question: PublishQuestion): string {
  const { channel, data } = question;
  return objectOf({ ...userMembers(question), channel: quoted(channel), data });
}

export function encodeRpcQuestion(question: RpcQuestion): string {
  const { method, data } = question;
  // An empty method is a method too.
  return objectOf({ ...userMembers(question), method: JSON.stringify(method), data });
}

function userMembers(question: BackendUser): Members {
  const { user, meta } = question;
  return { ...clientMembers(question), user: JSON.stringify(user), meta };
}

function clientMembers({ client, transport }: BackendClient): Members {
  return {
    client: quoted(client),
    transport: quoted(transport),
    protocol: '"json"',
    encoding: '"json"',
  };
}

function quoted(text = ""): string | undefined {
  return text === "" ? undefined : JSON.stringify(text);
}

/** JSON text is put in as it is: to parse and write it anew would change numbers and the order of keys. */
function objectOf(members: Members): string {
  const texts = Object.entries(members).flatMap(([name, text]) =>
    text === undefined ? [] : [`${JSON.stringify(name)}:${text}`],
  );
  return `{${texts.join()}}`;
}
