// Program: greedy clients of one kind, as many at a time as told; whoever is put out comes back a moment later.
import { connect, type Socket } from "node:net";

/** Arguments: name of the attack, port, attackers, seconds. Prints how many were put out as one line of JSON. */
const [name = "", port = "", attackers = "", seconds = ""] = process.argv.slice(2);

const GET = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const COME_BACK_MS = 200;
const DRIP_MS = 500;

interface Attack {
  begin(socket: Socket): void;
  /** Sent now and then. */
  readonly drip?: string;
}

function says(text: string, drip?: string): Attack {
  return { begin: (socket) => socket.write(text, "latin1"), ...(drip === undefined ? {} : { drip }) };
}

export const ATTACKS: Readonly<Record<string, Attack>> = {
  "slow-heads": says("GET / HTTP/1.1\r\nx: ", "x"),
  "heavy-heads": says(`GET / HTTP/1.1\r\nx: ${"x".repeat(30_000)}`, "x"),
  "slow-bodies": says("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n", "x"),
  "slow-readers": {
    begin: (socket) => {
      socket.pause();
      socket.write("GET /large HTTP/1.1\r\nhost: a\r\n\r\n");
    },
  },
  idle: { begin: () => {} },
  "path-bombs": says(`GET /${"x".repeat(60_000)} HTTP/1.1\r\nhost: a\r\n\r\n`),
  pipelining: says(GET.repeat(2_000)),
  "half-open": { begin: (socket) => socket.end(GET) },
};

let putOut = 0;
let isOver = false;
const sockets = new Set<Socket>();

function come(attack: Attack): void {
  if (isOver) return;
  const socket = connect({ host: "127.0.0.1", port: Number(port), allowHalfOpen: true });
  sockets.add(socket);
  socket.on("connect", () => attack.begin(socket));
  socket.on("data", () => {});
  socket.on("end", () => socket.destroy());
  socket.on("error", () => {});
  socket.on("close", () => {
    sockets.delete(socket);
    putOut += 1;
    setTimeout(() => come(attack), COME_BACK_MS);
  });
  if (attack === ATTACKS["slow-readers"]) socket.pause();
}

const attack = ATTACKS[name];
if (attack === undefined) throw new Error(`there is no attack "${name}"`);
for (let count = 0; count < Number(attackers); count += 1) come(attack);

const { drip } = attack;
if (drip !== undefined) {
  setInterval(() => {
    for (const socket of sockets) if (socket.writable && !socket.connecting) socket.write(drip);
  }, DRIP_MS);
}

setTimeout(() => {
  isOver = true;
  process.stdout.write(`${JSON.stringify({ putOut })}\n`, () => process.exit(0));
}, Number(seconds) * 1000);
