// What is sent stays what it was, however long the socket holds it.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { expect, test } from "vitest";
import { Outlet } from "./outlet.ts";

test("large chunks arrive unharmed although their buffer is used again at once", async () => {
  const rounds = 200;
  const size = 64 * 1024;
  const server = createServer((socket) => {
    const outlet = new Outlet(socket);
    const reused = Buffer.alloc(size);
    for (let round = 0; round < rounds; round += 1) {
      reused.fill(round % 256);
      outlet.text(`${round};`);
      outlet.bytes(reused, "<", ">");
    }
    outlet.flush();
    socket.end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect((server.address() as { port: number }).port, "127.0.0.1");
  const chunks: Buffer[] = [];
  client.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(client, "end");
  const expected = Array.from({ length: rounds }, (_, round) =>
    Buffer.concat([Buffer.from(`${round};<`), Buffer.alloc(size, round % 256), Buffer.from(">")]),
  );
  expect(Buffer.concat(chunks).equals(Buffer.concat(expected))).toBe(true);
  server.close();
});

test("texts of one turn are one write", async () => {
  const server = createServer((socket) => {
    const outlet = new Outlet(socket);
    outlet.text("a");
    outlet.bytes(Buffer.from("b"), "<", ">");
    outlet.text("c");
    setImmediate(() => setImmediate(() => socket.end()));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect((server.address() as { port: number }).port, "127.0.0.1");
  const chunks: string[] = [];
  client.on("data", (chunk: Buffer) => chunks.push(chunk.toString("latin1")));
  await once(client, "end");
  expect(chunks).toEqual(["a<b>c"]);
  server.close();
});
