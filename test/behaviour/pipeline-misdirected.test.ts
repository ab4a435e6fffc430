// Requests over TLS connections that were made for another host: 421, so that the client makes one for this host.
import { expect, test } from "vitest";
import type { TlsHandshake } from "../../src/dataplane/stream.ts";
import type { Listener } from "../../src/model/index.ts";
import { MemoryGateway } from "../support/memory-gateway.ts";
import { listener, route } from "../support/routes.ts";
import { backend, endpoint, forwardRule, snapshotOf } from "../support/snapshots.ts";

// The listeners and hosts of Gateway API's conformance test HTTPRouteHTTPSListenerDetectMisdirectedRequests.
const any = https("any");
const second = https("second", "second-example.org");
const wild = https("wild", "*.wildcard.org");
const fourth = https("fourth", "fourth-example.wildcard.org");
const listeners = [any, second, wild, fourth];
const web = backend("web", [endpoint("10.0.0.1:80")]);

const routes = [
  route("first", any, ["example.org"], forwardRule([web])),
  route("second", second, ["second-example.org"], forwardRule([web])),
  route("third", wild, ["third-example.wildcard.org", "fith-example.wildcard.org"], forwardRule([web])),
  route("fourth", fourth, ["fourth-example.wildcard.org"], forwardRule([web])),
];

function https(name: string, hostname?: string): Listener {
  // Only what the handshake found out counts here, so that the port needs no certificates.
  return { ...listener(name, hostname), id: `Gateway/default/edge/${name}` };
}

/** The status; 200 where the request reached the endpoint. */
function ask(handshake: Partial<TlsHandshake>, authority: string): number | undefined {
  const gateway = new MemoryGateway(snapshotOf({ listeners, backends: [web], routes }));
  const connection = {
    tls: true,
    handshake: {
      serverName: undefined,
      listener: any.id,
      version: "TLSv1.3",
      resumed: false,
      covers: () => true,
      ...handshake,
    },
  };
  const client = gateway.request({ authority, connection });
  if (gateway.endpoints.received.length > 0) gateway.endpoints.last.answer(200);
  expect(gateway.log).toHaveLength(1);
  return client.response?.status;
}

test.each<[string, Listener, string, number]>([
  ["example.org", any, "example.org", 200],
  ["example.org", any, "second-example.org", 421],
  ["example.org", any, "unknown-example.org", 404],
  ["second-example.org", second, "second-example.org", 200],
  ["second-example.org", second, "example.org", 421],
  ["second-example.org", second, "unknown-example.org", 421],
  ["third-example.wildcard.org", wild, "third-example.wildcard.org", 200],
  ["third-example.wildcard.org", wild, "fith-example.wildcard.org", 200],
  ["third-example.wildcard.org", wild, "fourth-example.wildcard.org", 421],
  ["third-example.wildcard.org", wild, "second-example.org", 421],
  ["third-example.wildcard.org", wild, "unknown-example.org", 421],
  ["fourth-example.wildcard.org", fourth, "fourth-example.wildcard.org", 200],
  ["fourth-example.wildcard.org", fourth, "fith-example.wildcard.org", 421],
  ["unknown-example.org", any, "example.org", 200],
  ["unknown-example.org", any, "unknown-example.org", 404],
])("server name %s of one listener and host %s", (serverName, on, host, status) => {
  expect(ask({ serverName, listener: on.id }, host)).toBe(status);
});

test("a host that the certificate does not have", () => {
  const covers = (host: string) => host === "other.example.org";
  expect(ask({ serverName: "other.example.org", covers }, "example.org:443")).toBe(421);
});

test("the name of the handshake is served whatever the certificate says", () => {
  expect(ask({ serverName: "example.org", covers: () => false }, "example.org:443")).toBe(200);
});

test("a client that named no server is held to the listener alone", () => {
  expect(ask({ covers: () => false }, "example.org")).toBe(200);
  expect(ask({ covers: () => false }, "second-example.org")).toBe(421);
});

test("a listener that a reload took away", () => {
  expect(ask({ serverName: "example.org", listener: "Gateway/default/edge/gone" }, "example.org")).toBe(421);
});

test("a handshake that asked for no certificate opens no listener of another Gateway that does", () => {
  const trust = [{ id: "ConfigMap/default/ca", certificates: "-----BEGIN CERTIFICATE-----" }];
  const strict: Listener = {
    ...https("strict", "bank.example.org"),
    tls: { certificates: [], clientValidation: { mode: "require", trust } },
  };
  const open = https("open", "bank.example.org");
  const bank = route("bank", strict, ["bank.example.org"], forwardRule([web]));
  const gateway = new MemoryGateway(
    snapshotOf({ listeners: [open, strict], backends: [web], routes: [bank] }),
  );
  const statusThrough = ({ id }: Listener) => {
    const connection = {
      tls: true,
      handshake: {
        serverName: "bank.example.org",
        listener: id,
        version: "TLSv1.3",
        resumed: false,
        covers: () => true,
      },
    };
    const client = gateway.request({ authority: "bank.example.org", connection });
    if (client.response === undefined) gateway.endpoints.last.answer(200);
    return client.response?.status;
  };
  expect([statusThrough(strict), statusThrough(open)]).toEqual([200, 421]);
});

test("the answer has its code", () => {
  const gateway = new MemoryGateway(snapshotOf({ listeners, backends: [web], routes }));
  const handshake = {
    serverName: undefined,
    listener: any.id,
    version: "TLSv1.3",
    resumed: false,
    covers: () => true,
  };
  gateway.request({ authority: "second-example.org", connection: { tls: true, handshake } });
  expect(gateway.log).toMatchObject([{ error: "misdirected", listener: second.id }]);
});
