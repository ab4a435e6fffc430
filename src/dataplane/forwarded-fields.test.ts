// Tests of what an HTTP/1.0 client leaves open; the rest is tested with the client's identity.
import { expect, test } from "vitest";
import { writeForwardedFields } from "./forwarded-fields.ts";
import { PlainRequestHead } from "./plain-head.ts";

test("a request without a host names none to the endpoint", () => {
  const head = new PlainRequestHead("GET", "", "/", []);
  const connection = { peerAddress: "", peerIp: "192.0.2.7", localAddress: "", localPort: 80, tls: true };
  const client = { peerAddress: "", localAddress: "", ip: "192.0.2.7", peerIsProxy: false };
  writeForwardedFields(head, connection, client, "id-1");
  expect(head.edits.lines).toEqual([
    "x-forwarded-for",
    "192.0.2.7",
    "x-forwarded-proto",
    "https",
    "x-request-id",
    "id-1",
  ]);
  expect(head.edits.drops("x-forwarded-host")).toBe(false);
});
