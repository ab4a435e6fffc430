// Dates of cookies as browsers read them: the forms that servers write, and what is none although it looks like one.
import { expect, test } from "vitest";
import { cookieDateMs } from "./cookie-date.ts";

test.each([
  ["Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"],
  ["Thu, 01-Jan-1970 00:00:10 GMT", "1970-01-01T00:00:10Z"],
  ["Wed, 21-Oct-15 07:28:00 GMT", "2015-10-21T07:28:00Z"],
  ["Thu Jan  1 00:00:00 1970", "1970-01-01T00:00:00Z"],
  ["Fri, 31-Dec-9999 23:59:59 GMT", "9999-12-31T23:59:59Z"],
  ["Sun, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37Z"],
  ["Sat, 01-Jan-55 00:00:00 GMT", "2055-01-01T00:00:00Z"],
  ["Tue, 1 january 2030 1:02:03", "2030-01-01T01:02:03Z"],
  ["Mon, 10-Dec-2007 17:02:24 +0300", "2007-12-10T17:02:24Z"],
])("%s is %s, whatever zone it names", (text, expected) => {
  expect(cookieDateMs(text)).toBe(Date.parse(expected));
});

test.each([
  "0",
  "-1",
  "1",
  "",
  "never",
  "1970-01-01T00:00:00Z",
  "Thu, 01 Jan 1970",
  "Thu, 01 Jan 00:00:00",
  "Thu, 01 1970 00:00:00 GMT",
  "Thu, 00 Jan 1970 00:00:00 GMT",
  "Thu, 30 Feb 2030 00:00:00 GMT",
  "Thu, 01 Jan 1970 24:00:00 GMT",
  "Thu, 01 Jan 1600 00:00:00 GMT",
])("%j is no date", (text) => {
  expect(cookieDateMs(text)).toBeUndefined();
});
