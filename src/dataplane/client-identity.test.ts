// Tests of who the client is and of what the endpoint is told about it.
import { describe, expect, test } from "vitest";
import { ClientIdentity } from "./client-identity.ts";
import { writeForwardedFields } from "./forwarded-fields.ts";
import { canonicalIp } from "./networks.ts";
import { PlainRequestHead } from "./plain-head.ts";

const connection = {
  peerAddress: "10.1.1.1:5000",
  peerIp: "10.1.1.1",
  localAddress: "10.9.9.9:80",
  localPort: 80,
  tls: false,
};

function head(...fields: string[]): PlainRequestHead {
  return new PlainRequestHead("GET", "shop.example:8080", "/", fields);
}

function identify(options: { trustedProxies?: string[]; trustedHops?: number }, ...forwardedFor: string[]) {
  const identity = new ClientIdentity({ trustedProxies: [], trustedHops: 0, ...options });
  return identity.identify(connection, head(...forwardedFor.flatMap((value) => ["x-forwarded-for", value])));
}

describe("who the client is", () => {
  test("the peer, when nobody is trusted", () => {
    expect(identify({}, "203.0.113.5")).toEqual({
      peerAddress: "10.1.1.1:5000",
      localAddress: "10.9.9.9:80",
      ip: "10.1.1.1",
      peerIsProxy: false,
    });
  });

  test("the last entry that no trusted network holds", () => {
    const trustedProxies = ["10.0.0.0/8", "2001:db8::/32"];
    expect(identify({ trustedProxies }, "203.0.113.5").ip).toBe("203.0.113.5");
    expect(identify({ trustedProxies }, "1.1.1.1, 203.0.113.5, 10.2.2.2", "2001:db8::7").ip).toBe(
      "203.0.113.5",
    );
    expect(identify({ trustedProxies: ["192.168.0.0/16"] }, "203.0.113.5").ip).toBe("10.1.1.1");
  });

  test("the first entry, when all of them are trusted", () => {
    expect(identify({ trustedProxies: ["10.0.0.0/8"] }, "10.3.3.3, 10.2.2.2").ip).toBe("10.3.3.3");
  });

  test("so many hops back", () => {
    expect(identify({ trustedHops: 1 }, "1.1.1.1, 203.0.113.5").ip).toBe("203.0.113.5");
    expect(identify({ trustedHops: 2 }, "1.1.1.1, 203.0.113.5").ip).toBe("1.1.1.1");
    expect(identify({ trustedHops: 3 }, "1.1.1.1, 203.0.113.5").ip).toBe("1.1.1.1");
    expect(identify({ trustedHops: 1 }).ip).toBe("10.1.1.1");
  });

  test("what is no address ends the walk", () => {
    expect(identify({ trustedHops: 3 }, "1.1.1.1, garbage, 203.0.113.5").ip).toBe("203.0.113.5");
    expect(identify({ trustedHops: 1 }, "203.0.113.5:8080").ip).toBe("10.1.1.1");
  });

  test.each(["10.0.0.0/33", "10.0.0.300/8", "::1/129", "10.0.0.0/x", "host/8", ""])(
    "%j is no network",
    (cidr) => {
      expect(() => new ClientIdentity({ trustedProxies: [cidr], trustedHops: 0 })).toThrow(RangeError);
    },
  );

  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::ffff:c000:0201", "192.0.2.1"],
    ["fe80::1%eth0", undefined],
    ["", undefined],
  ])("the canonical text of %s is %s", (text, expected) => {
    expect(canonicalIp(text)).toBe(expected);
  });
});

describe("what the endpoint is told", () => {
  test("a claim is one with underscores too, which applications behind CGI read as the same field", () => {
    const fields = [
      "X_Forwarded-For",
      "1.1.1.1",
      "x_forwarded_client_cert",
      "forged",
      "X_Request_Id",
      "b",
      "x_other",
      "stays",
    ];
    const { dropped } = written(false, ...fields);
    expect(dropped).toEqual(
      expect.arrayContaining(["x_forwarded-for", "x_forwarded_client_cert", "x_request_id"]),
    );
    expect(dropped).not.toContain("x_other");
  });

  test("a request id is told once", () => {
    expect(written(false, "x-request-id", "id-1").lines).toEqual(ours);
    const twice = written(false, "x-request-id", "id-1", "x-request-id", "id-2");
    expect(twice.lines).toEqual([...ours, "x-request-id", "id-1"]);
    expect(twice.dropped).toContain("x-request-id");
  });

  function written(peerIsProxy: boolean, ...fields: string[]) {
    const request = head(...fields);
    const client = { peerAddress: "", localAddress: "", ip: "", peerIsProxy };
    writeForwardedFields(request, connection, client, "id-1");
    return { dropped: [...request.edits.dropped].sort(), lines: request.edits.lines };
  }

  const ours = [
    "x-forwarded-for",
    "10.1.1.1",
    "x-forwarded-proto",
    "http",
    "x-forwarded-host",
    "shop.example:8080",
  ];

  test("what a stranger claims is replaced, all of it", () => {
    const { dropped, lines } = written(
      false,
      "X-Forwarded-For",
      "1.1.1.1",
      "Forwarded",
      "for=1.1.1.1",
      "x-forwarded-client-cert",
      "forged",
      "x-other",
      "stays",
      "from",
      "stays",
    );
    expect(lines).toEqual([...ours, "x-request-id", "id-1"]);
    expect(dropped).toEqual([
      "forwarded",
      "x-forwarded-client-cert",
      "x-forwarded-for",
      "x-forwarded-host",
      "x-forwarded-proto",
      "x-request-id",
    ]);
  });

  test("a trusted proxy's words stay, and the proxy itself is appended", () => {
    const { lines } = written(
      true,
      "x-forwarded-for",
      "1.1.1.1",
      "x-forwarded-proto",
      "https",
      "x-forwarded-host",
      "public.example",
      "forwarded",
      "for=1.1.1.1",
    );
    expect(lines).toEqual(["x-forwarded-for", "1.1.1.1, 10.1.1.1", "x-request-id", "id-1"]);
  });

  test("what a trusted proxy leaves out or gets wrong is filled in", () => {
    expect(written(true, "x-forwarded-proto", "gopher").lines.slice(0, 6)).toEqual(ours);
  });

  test("a request id that is kept is not written again", () => {
    expect(written(false, "x-request-id", "id-1").lines).toEqual(ours);
  });
});
