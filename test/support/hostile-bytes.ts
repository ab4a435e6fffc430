// Requests as an attacker would vary them: the raw material of the codec's property tests.
import fc from "fast-check";

const method = fc.constantFrom("GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS");
const target = fc.constantFrom("/", "/a?b=c", "/%41", "http://a/b", "*", "/a b", "a", "/a#b", "//x");
const version = fc.constantFrom(
  "HTTP/1.1",
  "HTTP/1.1",
  "HTTP/1.1",
  "HTTP/1.0",
  "HTTP/2.0",
  "HTTP/1.",
  "http/1.1",
);
const field = fc.constantFrom(
  "Content-Length: 5",
  "Content-Length: 0",
  "content-length:5",
  "Content-Length: 5, 5",
  "Content-Length: +5",
  "Content-Length: 0x5",
  "Content-Length: 5 ",
  "Content-Length:",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: CHUNKED",
  "Transfer-Encoding: chunked, chunked",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding: identity",
  "Transfer-Encoding:\tchunked",
  "Transfer-Encoding : chunked",
  "Transfer-Encoding: xchunked",
  "Connection: keep-alive",
  "Connection: close",
  "Connection: x-a",
  "X-A: 1",
  "X-A:",
  "X-A: \x01",
  "X-A: \xff",
  "X\xe4: 1",
  " folded",
  "X-A 1",
  "Host: b",
  "Upgrade: websocket",
  "Expect: 100-continue",
);
const body = fc.constantFrom(
  "",
  "hello",
  "hello, and more",
  "5\r\nhello\r\n0\r\n\r\n",
  "5;a=b\r\nhello\r\n0\r\n\r\n",
  '5;a="b\\"c"\r\nhello\r\n0\r\n\r\n',
  "5 \r\nhello\r\n0\r\n\r\n",
  "5\nhello\r\n0\r\n\r\n",
  "5\r\nhello0\r\n\r\n",
  "05\r\nhello\r\n000\r\nX-Sum: 1\r\n\r\n",
  "0\r\n\r\n",
  "-5\r\nhello\r\n0\r\n\r\n",
  "5\r\nhello\r\n0\r\nContent-Length: 3\r\n\r\n",
  "FFFFFFFFFFFFFFFFF\r\n",
);
/** Messages that are right as they stand; what damage does to them is more interesting than to broken ones. */
const soundFraming = fc.constantFrom(
  "\r\n",
  "Content-Length: 5\r\n\r\nhello",
  "Content-Length: 0\r\n\r\n",
  "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  'Transfer-Encoding: chunked\r\n\r\n1;a=b;c="d"\r\nx\r\n2\r\nyz\r\n0\r\nX-Sum: 1\r\n\r\n',
);
const soundField = fc.constantFrom(
  "X-A: 1\r\n",
  "Cookie: a=b; c=d\r\n",
  "X-Empty:\r\n",
  "Connection: x-a\r\n",
);
const sound = fc
  .tuple(
    method,
    fc.constantFrom("/", "/a?b=c", "/%41", "http://a/b"),
    fc.array(soundField, { maxLength: 2 }),
    soundFraming,
  )
  .map(([name, path, fields, rest]) => `${name} ${path} HTTP/1.1\r\nHost: a\r\n${fields.join("")}${rest}`);
const wild = fc
  .tuple(method, target, version, fc.array(field, { maxLength: 4 }), body)
  .map(
    ([name, path, protocol, fields, content]) =>
      `${name} ${path} ${protocol}\r\nHost: a\r\n${fields.map((line) => `${line}\r\n`).join("")}\r\n${content}`,
  );
/** Two ways to read each of them, and bytes that make sense in either. */
const twoFaced = fc
  .constantFrom(
    "Content-Length: 15\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 15\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked, identity\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\n\r\n",
    "Content-Length : 5\r\n\r\nhello",
    "X-A: 1\nContent-Length: 5\r\n\r\nhello",
    "X-A: 1\rContent-Length: 5\r\n\r\nhello",
    "X-A: 1\r\n Content-Length: 5\r\n\r\nhello",
  )
  .map((rest) => `POST / HTTP/1.1\r\nHost: a\r\n${rest}`);
/** Replaces, inserts or removes a character somewhere. */
const damage = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  removed: fc.nat(1),
  inserted: fc.constantFrom(
    "",
    "\r",
    "\n",
    "\r\n",
    " ",
    "\t",
    "\0",
    ":",
    ";",
    "0",
    "5",
    "a",
    "\x7f",
    "\x80",
    ",",
  ),
});

function damaged(
  text: string,
  damages: readonly { readonly at: number; readonly removed: number; readonly inserted: string }[],
): string {
  let bytes = text;
  for (const { at, removed, inserted } of damages) {
    const index = Math.floor(at * bytes.length);
    bytes = bytes.slice(0, index) + inserted + bytes.slice(index + removed);
  }
  return bytes;
}

/** Up to three requests on one connection, sound ones and wild ones, some of them damaged. Latin1. */
export const hostileBytes: fc.Arbitrary<string> = fc
  .tuple(
    fc.array(fc.oneof({ arbitrary: sound, weight: 4 }, wild, twoFaced), { minLength: 1, maxLength: 3 }),
    fc.array(damage, { maxLength: 2 }),
  )
  .map(([messages, damages]) => damaged(messages.join(""), damages));

const statusLine = fc.constantFrom(
  "HTTP/1.1 200 OK",
  "HTTP/1.1 200 OK",
  "HTTP/1.1 200 OK",
  "HTTP/1.1 204 No Content",
  "HTTP/1.1 304 Not Modified",
  "HTTP/1.1 404 Not Found",
  "HTTP/1.0 200 OK",
  "HTTP/1.1 200",
  "HTTP/1.1 20 OK",
  "HTTP/2.0 200 OK",
  "http/1.1 200 OK",
);
const interimResponse = fc.constantFrom(
  "",
  "",
  "",
  "HTTP/1.1 100 Continue\r\n\r\n",
  "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n",
);
const soundResponse = fc
  .tuple(interimResponse, statusLine, fc.array(soundField, { maxLength: 2 }), soundFraming)
  .map(([interim, line, fields, rest]) => `${interim}${line}\r\n${fields.join("")}${rest}`);
const wildResponse = fc
  .tuple(interimResponse, statusLine, fc.array(field, { maxLength: 4 }), body)
  .map(
    ([interim, line, fields, content]) =>
      `${interim}${line}\r\n${fields.map((text) => `${text}\r\n`).join("")}\r\n${content}`,
  );
/** What one endpoint says to one request, sound or wild, sometimes damaged. Latin1. */
export const hostileResponse: fc.Arbitrary<string> = fc
  .tuple(fc.oneof({ arbitrary: soundResponse, weight: 3 }, wildResponse), fc.array(damage, { maxLength: 2 }))
  .map(([message, damages]) => damaged(message, damages));
