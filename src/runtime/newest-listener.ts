import { readdir, readFile, readlink } from "node:fs/promises";
import { endianness } from "node:os";

const SOL_SOCKET = 1;
const SO_ATTACH_REUSEPORT_CBPF = 51;
const STATE_LISTEN = "0A";
/** A classic BPF program of one instruction, "return 1": the second of those that share the port. */
const BPF_RETURN_CONSTANT = 0x06;
const SECOND = 1;
/** GNU's name, then those of musl. */
const C_LIBRARIES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

type SetOption = (fd: number, program: Uint8Array) => boolean;

/**
 * Has the kernel give all new connections to the newer one whenever two listeners share the port of
 * the one that listens there now. Left alone it deals them out to both, and resets those that wait at
 * the older one when it closes, unless `net.ipv4.tcp_migrate_req` is set. True when it worked.
 *
 * Neither runtime has a call for it. The program stays with the port as long as anything of ours
 * listens there; where that is only one the kernel does not follow it.
 */
export async function preferNewest(port: number): Promise<boolean> {
  // The pointer below is written as x64 and arm64 hold one.
  if (endianness() !== "LE") return false;
  try {
    const [fd] = await listeningFds(port);
    return fd !== undefined && (await optionSetter())(fd, firstSecondProgram());
  } catch {
    return false; // a kernel, a C library or a sandbox that does not let us; whoever asks can do without
  }
}

async function listeningFds(port: number): Promise<number[]> {
  const inodes = new Set(
    (await Promise.all(["tcp", "tcp6"].map((table) => listeningInodes(table, port)))).flat(),
  );
  const names = await readdir("/proc/self/fd");
  const links = await Promise.all(
    names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => "")), // closed meanwhile
  );
  return names
    .filter((_, index) => inodes.has(/^socket:\[(\d+)\]$/.exec(links[index] ?? "")?.[1] ?? ""))
    .map(Number);
}

/** Of every process that listens there, by the table of the kernel (proc_net_tcp(5)). */
async function listeningInodes(table: string, port: number): Promise<string[]> {
  const text = await readFile(`/proc/self/net/${table}`, "utf8").catch(() => ""); // no IPv6 here
  return text.split("\n").flatMap((line) => {
    const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
    return state === STATE_LISTEN && Number.parseInt(local.split(":")[1] ?? "", 16) === port
      ? [inode]
      : [];
  });
}

/** `struct sock_filter`: code, two jumps, a constant. */
function firstSecondProgram(): Uint8Array {
  const filter = new DataView(new ArrayBuffer(8));
  filter.setUint16(0, BPF_RETURN_CONSTANT, true);
  filter.setUint32(4, SECOND, true);
  return new Uint8Array(filter.buffer);
}

async function optionSetter(): Promise<SetOption> {
  const { ptr } = await import("bun:ffi");
  const { setsockopt } = await loadC();
  return (fd, filter) => {
    // `struct sock_fprog`: the number of instructions, padding, a pointer to them.
    const program = new DataView(new ArrayBuffer(16));
    program.setUint16(0, filter.byteLength / 8, true);
    program.setBigUint64(8, BigInt(ptr(filter)), true);
    const bytes = new Uint8Array(program.buffer);
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, ptr(bytes), bytes.byteLength) === 0;
  };
}

async function loadC() {
  const { dlopen } = await import("bun:ffi");
  const signature = { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" } as const;
  for (const name of C_LIBRARIES) {
    try {
      return dlopen(name, { setsockopt: signature }).symbols;
    } catch {
      // not this one: the next
    }
  }
  throw new Error(`Cannot load the C library: got none of ${C_LIBRARIES.join(", ")}`);
}
