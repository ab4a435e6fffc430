// Program: opens connections, has one request answered on each, says so, and holds them open until SIGTERM.
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { HASH_HEADER } from "../peer.ts";

/** Arguments: port, connections, tls. */
const [port = 0, connections = 0] = process.argv.slice(2, 4).map(Number);
const secure = process.argv[4] === "tls";

/** Connections that open at the same time: no proxy's queue overflows. */
const AT_ONCE = 32;

let opened = 0;
let answered = 0;

function open(): void {
  if (opened === connections) return;
  const user = opened++;
  const to = { host: "127.0.0.1", port };
  const socket: Socket = secure ? connectTls({ ...to, rejectUnauthorized: false }) : connect(to);
  socket.write(`GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n${HASH_HEADER}: user-${user}\r\n\r\n`);
  socket.once("data", () => {
    answered += 1;
    if (answered === connections) process.stdout.write("open\n");
    open();
  });
  socket.on("error", (error) => fail(error.message));
  socket.on("close", () => fail("a connection was closed"));
}

function fail(message: string): void {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

process.once("SIGTERM", () => process.exit(0));
for (let count = 0; count < AT_ONCE; count++) open();
