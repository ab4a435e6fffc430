// Program: full TLS handshakes, one after the other on a few places, and counts them.
import { connect } from "node:tls";

/** Arguments: port, places, seconds. Prints one line of JSON. No session is kept, so none is resumed. */
const [port = 0, places = 0, seconds = 0] = process.argv.slice(2).map(Number);

const startedMs = performance.now();
let done = 0;
let resumed = 0;
let errors = 0;
let open = 0;

function next(): void {
  if (performance.now() - startedMs > seconds * 1000) {
    if (open === 0) finish();
    return;
  }
  open += 1;
  const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
  let shaken = false;
  let parted = false;
  socket.on("secureConnect", () => {
    shaken = true;
    if (socket.isSessionReused()) resumed += 1;
    socket.end();
  });
  // A server that ends its side has read the client's last message of the handshake, and its end.
  socket.on("end", () => {
    parted = true;
  });
  socket.resume();
  socket.on("error", () => {});
  socket.on("close", () => {
    open -= 1;
    if (shaken && parted) done += 1;
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
