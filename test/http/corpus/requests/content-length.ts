// Content-Length: one decimal number, or the end of the message is anybody's guess.
import {
  forwarded,
  lenient,
  line,
  post,
  type RequestCase,
  rejected,
  SMUGGLED,
  seenPost,
  strict,
  type Theme,
} from "../case.ts";

const LENGTH = "RFC 9110 8.6";
const INVALID = "RFC 9112 6.3 item 5, CWE-444";

const sent = (value: string, body = "hello") => post([`Content-Length: ${value}`], body);
const invalid = (name: string, value: string, body = "hello") => rejected(name, INVALID, sent(value, body));

const good: readonly RequestCase[] = [
  forwarded("body of five bytes", LENGTH, sent("5"), seenPost("hello")),
  forwarded("no body", LENGTH, sent("0", ""), seenPost("")),
  forwarded("neither length nor body", "RFC 9112 6.3 item 7", post([], ""), seenPost("")),
  forwarded(
    "body with CRLFs and NULs",
    LENGTH,
    sent("8", "\r\n\r\n\0\xff\r\n"),
    seenPost("\r\n\r\n\0\xff\r\n"),
  ),
  forwarded(
    "body that looks like a request",
    LENGTH,
    sent(String(SMUGGLED.length), SMUGGLED),
    seenPost(SMUGGLED),
  ),
  forwarded("body of 8 KiB", LENGTH, sent("8192", "x".repeat(8192)), seenPost("x".repeat(8192))),
  forwarded(
    "whitespace around the number",
    "RFC 9112 5",
    post(["Content-Length: \t5 \t"], "hello"),
    seenPost("hello"),
  ),
  forwarded("name in capitals", "RFC 9110 5.1", post(["CONTENT-LENGTH: 5"], "hello"), seenPost("hello")),
  ...["GET", "DELETE", "OPTIONS"].map((method) =>
    lenient(
      `body on ${method}`,
      "RFC 9110 9.3",
      `${line(`${method} /x HTTP/1.1`, "Content-Length: 5")}hello`,
      [`${method} a.test /x hello`],
    ),
  ),
  lenient("body on HEAD", "RFC 9110 9.3.2", `${line("HEAD /x HTTP/1.1", "Content-Length: 5")}hello`, [
    "HEAD a.test /x hello",
  ]),
  lenient(
    "body on a method that nobody knows",
    "RFC 9112 6",
    `${line("BREW /x HTTP/1.1", "Content-Length: 5")}hello`,
    ["BREW a.test /x hello"],
  ),
  lenient("leading zeros", LENGTH, sent("0005"), seenPost("hello")),
];

const numbers: readonly RequestCase[] = [
  invalid("plus sign", "+5"),
  invalid("minus sign", "-5"),
  invalid("minus zero", "-0", ""),
  invalid("hexadecimal", "0x5"),
  invalid("hexadecimal digit", "a", "0123456789"),
  invalid("octal of another language", "0o5"),
  invalid("decimal point", "5.0"),
  invalid("exponent", "5e0"),
  invalid("letters", "five"),
  invalid("letter behind", "5x"),
  invalid("letter before", "x5"),
  invalid("space within", "5 5"),
  invalid("tab within", "5\t5"),
  invalid("underscore", "1_0", "0123456789"),
  invalid("apostrophe", "'5'"),
  invalid("quotes", '"5"'),
  invalid("semicolon", "5;"),
  invalid("byte 0xb2", "\xb2"),
  invalid("Arabic digits in UTF-8", "\xd9\xa5"),
  strict("NUL behind", "RFC 9110 5.5; CWE-444", sent("5\0"), seenPost("hello")),
  strict("NUL before", "RFC 9110 5.5; CWE-444", sent("\x005"), seenPost("hello")),
  strict("bare CR behind", "RFC 9110 5.5; CWE-444", sent("5\r"), seenPost("hello")),
  invalid("vertical tab before", "\x0b5"),
  invalid("form feed behind", "5\x0c"),
  rejected("empty", INVALID, sent("")),
  rejected("beyond 32 bits and back", INVALID, sent("4294967301")),
  rejected("beyond 64 bits and back", INVALID, sent("18446744073709551621")),
  rejected("2 to the 63rd", INVALID, sent("9223372036854775808")),
  rejected("eighty digits", INVALID, sent("9".repeat(80))),
];

const several: readonly RequestCase[] = [
  rejected("two different numbers", INVALID, post(["Content-Length: 5", "Content-Length: 6"], "hello!")),
  rejected("a number and zero", "CL.0, CWE-444", post(["Content-Length: 5", "Content-Length: 0"], "hello")),
  rejected("zero and a number", "0.CL, CWE-444", post(["Content-Length: 0", "Content-Length: 5"], "hello")),
  rejected("a number and an empty value", INVALID, post(["Content-Length: 5", "Content-Length:"], "hello")),
  rejected("a number and garbage", INVALID, post(["Content-Length: 5", "Content-Length: x"], "hello")),
  rejected("different numbers in a list", INVALID, sent("5, 6", "hello!")),
  rejected("list with an empty member", INVALID, sent("5, ,6", "hello!")),
  strict("two equal numbers", "RFC 9110 8.6", post(["Content-Length: 5", "Content-Length: 5"], "hello"), [
    seenPost("hello"),
  ]),
  strict("equal numbers in a list", "RFC 9110 8.6", sent("5, 5"), seenPost("hello")),
  strict(
    "equal numbers, spelt differently",
    "RFC 9110 8.6",
    post(["Content-Length: 5", "Content-Length: 05"], "hello"),
    [seenPost("hello")],
  ),
  strict("list with a comma behind", "RFC 9110 5.6.1", sent("5,"), seenPost("hello")),
  strict("list with a comma before", "RFC 9110 5.6.1", sent(",5"), seenPost("hello")),
];

const names: readonly RequestCase[] = [
  rejected("space before the colon", "RFC 9112 5.1, CVE-2019-16869", post(["Content-Length : 5"], "hello")),
  rejected("tab before the colon", "RFC 9112 5.1", post(["Content-Length\t: 5"], "hello")),
  rejected("space before the name", "RFC 9112 2.2", post([" Content-Length: 5"], "hello")),
  strict("folded number", "RFC 9112 5.2", post(["Content-Length:", " 5"], "hello"), seenPost("hello")),
  rejected("folded second number", "RFC 9112 5.2", post(["Content-Length: 5", " 6"], "hello!")),
  rejected("bare CR within the name", "RFC 9112 2.2", post(["Content-\rLength: 5"], "hello")),
  rejected("NUL behind the name", "RFC 9110 5.1", post(["Content-Length\0: 5"], "hello")),
];

export const contentLength: Theme<RequestCase> = {
  theme: "Content-Length",
  cases: [...good, ...numbers, ...several, ...names],
};
