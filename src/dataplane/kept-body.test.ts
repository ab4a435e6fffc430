// Kept bodies: whole or not at all, and never more of them in memory than may.
import { expect, test } from "vitest";
import { KeptBody, KeptBytes } from "./kept-body.ts";
import type { BodyChunk, ClientStream, Trailers } from "./stream.ts";

class Recorder implements ClientStream {
  readonly reused = false;
  text = "";
  trailers: Trailers | undefined;
  fast = true;

  write(chunk: BodyChunk): boolean {
    this.text += Buffer.from(chunk).toString("latin1");
    return this.fast;
  }
  end(trailers: Trailers): void {
    this.trailers = trailers;
  }
  pauseBody(): void {}
  resumeBody(): void {}
  abort(): void {}
}

function replayOf(body: KeptBody): Recorder {
  const stream = new Recorder();
  body.sendTo(stream);
  return stream;
}

test("keeps copies, since chunks are valid during the call only", () => {
  const body = new KeptBody(10, new KeptBytes(100));
  const chunk = Buffer.from("abc");
  body.onData(chunk);
  chunk.fill("x");
  expect(replayOf(body)).toMatchObject({ text: "abc", trailers: undefined });
  body.onEnd(["x-sum", "7"]);
  expect(replayOf(body)).toMatchObject({ text: "abc", trailers: ["x-sum", "7"] });
});

test("says whether the endpoint is slower", () => {
  const body = new KeptBody(10, new KeptBytes(100));
  const stream = new Recorder();
  expect(body.sendTo(stream)).toBe(true);
  stream.fast = false;
  expect(body.sendTo(stream)).toBe(true);
  body.onData(Buffer.from("abc"));
  expect(body.sendTo(stream)).toBe(false);
});

test("lets go of a body that grows too large", () => {
  const total = new KeptBytes(100);
  const body = new KeptBody(5, total);
  body.onData(Buffer.from("abc"));
  expect([body.isWhole, total.held]).toEqual([true, 3]);
  body.onData(Buffer.from("def"));
  expect([body.isWhole, total.held]).toEqual([false, 0]);
  body.onData(Buffer.from("g"));
  expect([body.isWhole, total.held]).toEqual([false, 0]);
});

test("all together never take more than they may", () => {
  const total = new KeptBytes(5);
  const [first, second] = [new KeptBody(10, total), new KeptBody(10, total)];
  first.onData(Buffer.from("abc"));
  second.onData(Buffer.from("def"));
  expect([first.isWhole, second.isWhole, total.held]).toEqual([true, false, 3]);
  first.release();
  first.release();
  expect(total.held).toBe(0);
});
