// Program: WebSocket clients that each send a message of 100 bytes as soon as the last one has come back.
import { WebSocket } from "ws";

/** Arguments: port, connections, seconds. Prints one line of JSON: messages that came back. */
const [port = 0, connections = 0, seconds = 0] = process.argv.slice(2).map(Number);

const MESSAGE = Buffer.alloc(100, "x");

let echoed = 0;
let errors = 0;
const sockets = Array.from({ length: connections }, (_, index) => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, {
    headers: { "x-user": `user-${index}` },
    perMessageDeflate: false,
  });
  socket.on("open", () => socket.send(MESSAGE));
  socket.on("message", () => {
    echoed += 1;
    socket.send(MESSAGE);
  });
  socket.on("error", () => errors++);
  socket.on("close", () => errors++);
  return socket;
});

setTimeout(() => {
  for (const socket of sockets) socket.removeAllListeners("close");
  process.stdout.write(`${JSON.stringify({ echoed, errors })}\n`, () => process.exit(0));
}, seconds * 1000);
