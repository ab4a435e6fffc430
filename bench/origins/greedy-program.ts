// Program: answers `ok` on the port given, without end to `/large`, and reads request bodies of any length.
import { createServer } from "node:http";

const CHUNK = Buffer.alloc(64 * 1024, "x");

createServer((request, response) => {
  request.resume();
  if (request.url !== "/large") {
    request.on("end", () => response.end("ok"));
    return;
  }
  const more = () => {
    while (!response.destroyed && response.write(CHUNK)) {}
  };
  response.on("drain", more);
  more();
}).listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 1024 });
