// Program: WebSocket servers that send every message back, one for each port given; plain requests get an empty answer.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

for (const port of process.argv.slice(2)) {
  const server = createServer((_, response) => response.end());
  new WebSocketServer({ server, perMessageDeflate: false }).on("connection", (socket) => {
    socket.on("message", (message, isBinary) => socket.send(message, { binary: isBinary }));
    socket.on("error", () => socket.terminate());
  });
  server.listen({ host: "127.0.0.1", port: Number(port), backlog: 511 });
}
