// Program: accepts on the port of its argument, answers whatever comes first with 100 bytes, and closes.
import { createServer } from "node:net";

const ANSWER = `HTTP/1.1 200 OK\r\ncontent-length: 100\r\nconnection: close\r\n\r\n${"x".repeat(100)}`;

createServer({ noDelay: true }, (socket) => {
  socket.once("data", () => socket.end(ANSWER, "latin1"));
  socket.on("error", () => socket.destroy());
}).listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 511 });
