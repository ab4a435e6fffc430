// Program: reads every request to the end of its Content-Length, then answers 200; one server for each port given.
import { createServer, type Socket } from "node:net";

const ANSWER = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const HEAD_END = "\r\n\r\n";

/** The load sends the next request after the answer to the last one, so that a head begins with a chunk. */
function serve(socket: Socket): void {
  let head = "";
  let missing = 0;
  socket.on("data", (chunk: Buffer) => {
    let size = chunk.length;
    if (missing === 0) {
      const before = head.length;
      head += chunk.toString("latin1");
      const end = head.indexOf(HEAD_END);
      if (end === -1) return;
      size -= end + HEAD_END.length - before;
      missing = Number(/\r\ncontent-length: *(\d+)/i.exec(head.slice(0, end + 2))?.[1] ?? 0);
      head = "";
    }
    missing -= size;
    if (missing === 0) socket.write(ANSWER, "latin1");
  });
  socket.on("error", () => socket.destroy());
}

for (const port of process.argv.slice(2)) {
  createServer({ noDelay: true }, serve).listen({ host: "127.0.0.1", port: Number(port), backlog: 511 });
}
