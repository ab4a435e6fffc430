// The judge can tell: a peer that copies bytes and understands none of them fails, in every way that there is.
import { beforeAll, describe, expect, test } from "vitest";
import type { Theme } from "./corpus/case.ts";
import { CORPUS } from "./corpus/index.ts";
import { judgeResponse } from "./harness/judge.ts";
import { readRequest, readResponse } from "./harness/message.ts";
import { runCorpus } from "./harness/run.ts";
import { pipe } from "./peers/pipe.ts";

/** `theme: case` -> what the copier makes of it; "" where it does no harm. */
const VERDICTS: Readonly<Record<string, string>> = {
  "Content-Length: body of five bytes": "",
  "Content-Length: leading zeros": "",
  "Content-Length: two different numbers": "ambiguous",
  "Transfer-Encoding: Content-Length before": "ambiguous",
  "chunked bodies: data longer than its size by one": "ambiguous",
  "Host: IPv6 with two gaps": "accepted",
  "Connection: named field": "altered",
  "pipelines and smuggling: two requests": "smuggled",
  "status line: plain": "",
  "status line: status 2000": "ambiguous",
  "bytes after a response: a second response": "poisoned",
  "truncated responses: length, one byte missing": "",
  "response framing: different lengths": "ambiguous",
};

describe("a copier of bytes", () => {
  let verdicts: Record<string, string> = {};

  beforeAll(async () => {
    const chosen = <Case extends { readonly name: string }>(themes: readonly Theme<Case>[]) =>
      themes.map(({ theme, cases }) => ({
        theme,
        cases: cases.filter(({ name }) => `${theme}: ${name}` in VERDICTS),
      }));
    const corpus = { requests: chosen(CORPUS.requests), responses: chosen(CORPUS.responses) };
    const results = await runCorpus(pipe, corpus, 8);
    verdicts = Object.fromEntries(
      results.map(({ theme, name, failure }) => [`${theme}: ${name}`, failure?.kind ?? ""]),
    );
  }, 60_000);

  test.each(Object.entries(VERDICTS))("%s: %s", (name, verdict) => {
    expect(verdicts[name]).toBe(verdict);
  });
});

describe("the reader of messages", () => {
  const request = (bytes: string) => readRequest(bytes, 0);

  test("frames by length, by chunks and by neither", () => {
    expect(request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiX")).toMatchObject({
      body: "hi",
      end: 49,
      flaws: [],
    });
    expect(
      request(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n",
      ),
    ).toMatchObject({
      body: "hi",
      trailers: [["x-sum", "1"]],
      flaws: [],
    });
    expect(request("GET / HTTP/1.1\r\nHost: a\r\n\r\n")).toMatchObject({ body: "", flaws: [] });
  });

  test("waits for what is missing", () => {
    expect(request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nh")).toBeUndefined();
    expect(
      request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"),
    ).toBeUndefined();
    expect(readResponse("HTTP/1.1 200 OK\r\n\r\nhel", 0, false, false)).toBeUndefined();
    expect(readResponse("HTTP/1.1 200 OK\r\n\r\nhel", 0, false, true)).toMatchObject({ body: "hel" });
  });

  test.each([
    ["GET / HTTP/1.1\r\n\r\n", "no Host"],
    ["GET / HTTP/1.1\nHost: a\r\n\r\n", "bare LF"],
    ["GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "Host a b"],
    ["GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n", "field line"],
    ["GET / HTTP/1.1\r\nHost: a\r\nX: 1\r2\r\n\r\n", "CR, LF or NUL"],
    [
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "beside",
    ],
    ["GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "request line"],
    ["GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhix\r\n0\r\n\r\n", "chunk"],
  ])("sees the flaw of %j", (bytes, flaw) => {
    expect(request(bytes)?.flaws.join()).toContain(flaw);
  });
});

test("a response that never ends is a hang, and half a body that looks whole is a truncation", () => {
  const entry = CORPUS.responses.flatMap(({ cases }) => cases).find(({ name }) => name === "length, no byte");
  if (entry === undefined) throw new Error("the case is gone");
  const seen = {
    responses: [],
    rest: "",
    closed: false,
    hung: true,
    requests: [],
    unfinished: [],
    after: "nothing",
  } as const;
  expect(judgeResponse(entry, seen, true)?.kind).toBe("hung");
  const whole = readResponse("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhel", 0, false, true);
  const short = {
    ...seen,
    responses: whole === undefined ? [] : [whole],
    hung: false,
    after: "own",
  } as const;
  expect(judgeResponse(entry, short, true)?.kind).toBe("truncated");
});
