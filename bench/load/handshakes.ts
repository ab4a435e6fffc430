// Program: full TLS handshakes with a request each, one after the other on a few places, and counts them.
import { connect } from "node:tls";
import { HASH_HEADER } from "../peer.ts";

/** Arguments: port, places, seconds. Prints one line of JSON. No session is kept, so none is resumed. */
const [port = 0, places = 0, seconds = 0] = process.argv.slice(2).map(Number);

const startedMs = performance.now();
let done = 0;
let resumed = 0;
let errors = 0;
let open = 0;
let user = 0;

function next(): void {
  if (performance.now() - startedMs > seconds * 1000) {
    if (open === 0) finish();
    return;
  }
  open += 1;
  const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
  let answered = false;
  socket.on("secureConnect", () => {
    if (socket.isSessionReused()) resumed += 1;
    const head = `GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n${HASH_HEADER}: user-${user++ % 64}`;
    socket.write(`${head}\r\n\r\n`);
  });
  socket.on("data", (chunk: Buffer) => {
    answered ||= chunk.toString("latin1", 0, 15) === "HTTP/1.1 200 OK";
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    open -= 1;
    if (answered) done += 1;
    else errors += 1;
    next();
  });
}

function finish(): void {
  const took = (performance.now() - startedMs) / 1000;
  process.stdout.write(`${JSON.stringify({ done, resumed, errors, seconds: took })}\n`);
  process.exit(0);
}

for (let place = 0; place < places; place++) next();
