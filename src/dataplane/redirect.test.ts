// Locations of redirects: scheme, host, port and path, each given or taken from the request.
import { expect, test } from "vitest";
import { requestHead } from "../../test/support/request-head.ts";
import type { Redirect } from "../model/index.ts";
import { redirectLocation } from "./redirect.ts";

interface Case {
  readonly redirect: Partial<Redirect>;
  readonly authority?: string;
  readonly path?: string;
  readonly tls?: boolean;
  readonly listenerPort?: number;
  readonly localPort?: number;
  readonly location: string;
}

function location({ redirect, authority = "shop.example", path = "/cart?a=1", ...more }: Case): string {
  const { tls = false, listenerPort = tls ? 443 : 80, localPort = listenerPort } = more;
  const connection = {
    peerAddress: "192.0.2.7:4000",
    peerIp: "192.0.2.7",
    localAddress: `192.0.2.1:${localPort}`,
    localPort,
    tls,
  };
  const head = requestHead({ authority, path });
  return redirectLocation({ status: 302, ...redirect }, head, path, connection, listenerPort);
}

test.each<[string, Case]>([
  ["nothing given: as the request", { redirect: {}, location: "http://shop.example/cart?a=1" }],
  ["a host", { redirect: { hostname: "new.example" }, location: "http://new.example/cart?a=1" }],
  ["the scheme's own port", { redirect: { scheme: "https" }, location: "https://shop.example/cart?a=1" }],
  [
    "the scheme's own port, whatever the request's",
    {
      redirect: { scheme: "https" },
      authority: "shop.example:8080",
      listenerPort: 8080,
      location: "https://shop.example/cart?a=1",
    },
  ],
  [
    "a scheme with a port of its own",
    { redirect: { scheme: "https", port: 8443 }, location: "https://shop.example:8443/cart?a=1" },
  ],
  ["a well-known port is left out", { redirect: { port: 80 }, location: "http://shop.example/cart?a=1" }],
  [
    "the well-known port of the other scheme is not",
    { redirect: { port: 443 }, location: "http://shop.example:443/cart?a=1" },
  ],
  [
    "the listener's port where nothing is said",
    { redirect: {}, listenerPort: 8080, location: "http://shop.example:8080/cart?a=1" },
  ],
  ["on TLS", { redirect: {}, tls: true, location: "https://shop.example/cart?a=1" }],
  [
    "from TLS to plain",
    { redirect: { scheme: "http" }, tls: true, location: "http://shop.example/cart?a=1" },
  ],
  [
    "on TLS with a port",
    { redirect: { port: 8443 }, tls: true, location: "https://shop.example:8443/cart?a=1" },
  ],
  [
    "behind a port offset: the port that the client named",
    {
      redirect: {},
      authority: "localhost:8080",
      localPort: 8080,
      location: "http://localhost:8080/cart?a=1",
    },
  ],
  [
    "behind another port of a load balancer: the listener's",
    {
      redirect: {},
      authority: "shop.example:9000",
      localPort: 8080,
      location: "http://shop.example/cart?a=1",
    },
  ],
  ["IPv6", { redirect: {}, authority: "[2001:db8::1]:80", location: "http://[2001:db8::1]/cart?a=1" }],
  ["no host at all: the address", { redirect: {}, authority: "", location: "http://192.0.2.1/cart?a=1" }],
  [
    "a path, whole",
    { redirect: { path: { kind: "fullPath", value: "/new" } }, location: "http://shop.example/new?a=1" },
  ],
  [
    "a path, by its prefix",
    {
      redirect: { path: { kind: "prefix", prefix: "/cart", value: "/basket" } },
      path: "/cart/7?a=1",
      location: "http://shop.example/basket/7?a=1",
    },
  ],
  ["OPTIONS *", { redirect: {}, path: "*", location: "http://shop.example" }],
])("%s", (_, one) => {
  expect(location(one)).toBe(one.location);
});
