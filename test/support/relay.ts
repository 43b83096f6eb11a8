/** A program that lets connections to a path into the network it runs in: `relay.ts path port from`. */
import { createConnection, createServer } from "node:net";
import { carry } from "./carry.ts";

// It ends with whoever started it, however that ends.
process.stdin.on("close", () => process.exit()).resume();

const [path, port, localAddress = ""] = process.argv.slice(2);
createServer((outside) => {
  carry(outside, createConnection({ port: Number(port), host: "127.0.0.1", localAddress }));
}).listen(path, () => process.stdout.write("listening\n"));
