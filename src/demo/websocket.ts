// A WebSocket that says back what it hears (RFC 6455): enough for a demo and for tests of the tunnel, without a library.
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

const ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const MAX_PAYLOAD_BYTES = 1024 * 1024;
const CONTINUATION = 0x0;
const TEXT = 0x1;
const BINARY = 0x2;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;
const FINAL = 0x80;
const PROTOCOL_ERROR = 1002;
const TOO_BIG = 1009;
const CLOSE_TIMEOUT_MS = 2000;

/** Undefined: the request is no WebSocket handshake of version 13. */
function acceptKey({ headers, method }: IncomingMessage): string | undefined {
  const key = headers["sec-websocket-key"];
  const isHandshake =
    method === "GET" &&
    headers.upgrade?.toLowerCase() === "websocket" &&
    headers["sec-websocket-version"] === "13" &&
    key !== undefined;
  return isHandshake ? createHash("sha1").update(`${key}${ACCEPT_SUFFIX}`).digest("base64") : undefined;
}

/**
 * Answers the handshake with `headers` added, greets with `greeting`, then echoes every message.
 * Answers false, and leaves the socket alone, where the request is no handshake.
 */
export function echoWebSocket(
  request: IncomingMessage,
  socket: Socket,
  received: Buffer,
  headers: Readonly<Record<string, string>>,
  greeting: string,
): boolean {
  const accept = acceptKey(request);
  if (accept === undefined) return false;
  const lines = { upgrade: "websocket", connection: "Upgrade", "sec-websocket-accept": accept, ...headers };
  const fields = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields.join("")}\r\n`);
  socket.write(frame(FINAL | TEXT, Buffer.from(greeting)));

  let pending = received;
  const read = () => {
    for (;;) {
      const next = takeFrame(pending);
      if (next === undefined) return;
      if ("fault" in next) return close(socket, next.fault);
      pending = next.rest;
      answerFrame(socket, next);
      if (!socket.writable) return;
    }
  };
  socket.on("data", (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    read();
  });
  socket.on("drain", () => socket.resume());
  socket.on("end", () => socket.end());
  read();
  return true;
}

interface Frame {
  /** FIN bit and opcode. */
  readonly head: number;
  readonly payload: Buffer;
  readonly rest: Buffer;
}

/** The first whole frame of `bytes`, unmasked; undefined: there is none yet. */
function takeFrame(bytes: Buffer): Frame | { fault: number } | undefined {
  if (bytes.length < 2) return undefined;
  const head = bytes[0] as number;
  const short = (bytes[1] as number) & 0x7f;
  const isMasked = ((bytes[1] as number) & 0x80) !== 0;
  // Clients must mask, and no extension was agreed on that would use the reserved bits.
  if (!isMasked || (head & 0x70) !== 0) return { fault: PROTOCOL_ERROR };
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const maskAt = 2 + lengthBytes;
  if (bytes.length < maskAt + 4) return undefined;
  const length =
    lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (length > MAX_PAYLOAD_BYTES) return { fault: TOO_BIG };
  const start = maskAt + 4;
  if (bytes.length < start + length) return undefined;
  const payload = Buffer.from(bytes.subarray(start, start + length));
  for (let at = 0; at < length; at++)
    payload[at] = (payload[at] as number) ^ (bytes[maskAt + (at & 3)] as number);
  return { head, payload, rest: bytes.subarray(start + length) };
}

/** Fragments go back as the fragments they are, so a message needs no reassembly. */
function answerFrame(socket: Socket, { head, payload }: Frame): void {
  const opcode = head & 0x0f;
  if (opcode === CONTINUATION || opcode === TEXT || opcode === BINARY) {
    if (!socket.write(frame(head, payload))) socket.pause();
  } else if (opcode === PING) socket.write(frame(FINAL | PONG, payload));
  else if (opcode === CLOSE) socket.end(frame(FINAL | CLOSE, payload));
  else if (opcode !== PONG) close(socket, PROTOCOL_ERROR);
}

/** Says why, and gives the peer a moment to hear it. */
function close(socket: Socket, code: number): void {
  socket.removeAllListeners("data").resume();
  socket.setTimeout(CLOSE_TIMEOUT_MS, () => socket.destroy());
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  socket.end(frame(FINAL | CLOSE, payload));
}

function frame(head: number, payload: Buffer): Buffer {
  const { length } = payload;
  if (length < 126) return Buffer.concat([Buffer.from([head, length]), payload]);
  if (length < 0x10000) return Buffer.concat([Buffer.from([head, 126, length >> 8, length & 0xff]), payload]);
  const long = Buffer.alloc(10);
  long[0] = head;
  long[1] = 127;
  long.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([long, payload]);
}
