// Program: answers whatever comes with 100 bytes, and closes where the client asks for it; with TLS, given two files.
import { readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";

/** Arguments: port; certificate and key. */
const [port, certificate, privateKey] = process.argv.slice(2);

const BODY = "x".repeat(100);
const KEEP = `HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n${BODY}`;
const CLOSE = `HTTP/1.1 200 OK\r\ncontent-length: 100\r\nconnection: close\r\n\r\n${BODY}`;

function serve(socket: Socket): void {
  socket.on("data", (chunk: Buffer) => {
    if (chunk.includes("connection: close")) socket.end(CLOSE, "latin1");
    else socket.write(KEEP, "latin1");
  });
  socket.on("error", () => socket.destroy());
}

const server =
  certificate === undefined || privateKey === undefined
    ? createServer({ noDelay: true }, serve)
    : createTlsServer(
        { noDelay: true, cert: readFileSync(certificate), key: readFileSync(privateKey) },
        serve,
      );
server.on("tlsClientError", () => {});
server.listen({ host: "127.0.0.1", port: Number(port), backlog: 511 });
