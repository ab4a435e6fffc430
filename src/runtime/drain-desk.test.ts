// Names that operators use for endpoints, and what they are told.
import { describe, expect, test } from "vitest";
import { backendOf, endpointAt } from "../../test/support/affinity.ts";
import type { MetricSample } from "../telemetry/index.ts";
import { DrainDesk } from "./drain-desk.ts";
import { Drains } from "./drains.ts";

const NOW_MS = Date.parse("2026-06-01T10:00:00Z");
const carts = backendOf("carts", [
  endpointAt("10.0.0.1:80", { hostname: "carts-0" }),
  endpointAt("10.0.0.2:80", { hostname: "carts-1", health: "draining", drainingSinceMs: NOW_MS - 1_000 }),
  endpointAt("[2001:db8::1]:80", { host: "2001:db8::1" }),
]);
const admin = backendOf("admin", ["10.0.0.1:81", "10.0.0.1:80"]);

function desk(samples: readonly MetricSample[] = [], backends = [carts, admin]) {
  const drains = new Drains();
  const live = { backends, published: 0, drainsChanged: async () => void live.published++ };
  return {
    drains,
    live,
    desk: new DrainDesk({ drains, live, samples: async () => samples, nowMs: () => NOW_MS }),
  };
}

describe("an endpoint is called", () => {
  test.each([
    ["by its address", "10.0.0.1:80", ["10.0.0.1:80"]],
    ["by its host, which is all its ports", "10.0.0.1", ["10.0.0.1:80", "10.0.0.1:81"]],
    ["by its pod", "carts-0", ["10.0.0.1:80"]],
    ["by an IPv6 host", "2001:db8::1", ["[2001:db8::1]:80"]],
    ["by an IPv6 host in brackets", "[2001:db8::1]", ["[2001:db8::1]:80"]],
  ])("%s", async (_how, name, addresses) => {
    const { desk: one, drains, live } = desk();
    const started = await one.start(name);
    expect(started.map(({ endpoint }) => endpoint)).toEqual(addresses);
    expect(drains.orders.map(({ address }) => address).toSorted()).toEqual(addresses);
    expect(live.published).toBe(1);
    expect((await one.end(name)).map(({ endpoint }) => endpoint)).toEqual(addresses);
    expect(drains.orders).toEqual([]);
  });
});

test("what nothing is called is refused with the nearest name, and changes nothing", async () => {
  const { desk: one, live } = desk();
  await expect(one.start("cart-0")).rejects.toMatchObject({
    message: "no backend has an endpoint called cart-0",
    near: ["carts-0"],
  });
  await expect(one.start("10.0.0.1:8")).rejects.toMatchObject({ near: ["10.0.0.1:80"] });
  await expect(one.start("nowhere")).rejects.toMatchObject({ near: [] });
  await expect(one.end("carts-1")).rejects.toThrow("no operator has carts-1 drain");
  expect(live.published).toBe(0);
});

test("the list tells who drains, by whose word, and what is left to do there", async () => {
  const inFlight = (backend: string, endpoint: string, value: number) => ({
    name: "limpet_draining_requests",
    labels: { backend, endpoint },
    value,
  });
  const { desk: one } = desk([
    inFlight("carts", "10.0.0.1:80", 2),
    inFlight("admin", "10.0.0.1:80", 1),
    {
      name: "limpet_draining_session_requests",
      labels: { backend: "carts", endpoint: "10.0.0.1:80" },
      value: 7.5,
    },
    { name: "limpet_requests_in_flight", labels: {}, value: 99 },
  ]);
  await one.start("carts-0");
  expect(await one.list()).toEqual([
    {
      endpoint: "10.0.0.1:80",
      hostname: "carts-0",
      backends: ["carts", "admin"],
      since: "2026-06-01T10:00:00.000Z",
      by: "operator",
      requestsInFlight: 3,
      sessionRequests: 7.5,
    },
    {
      endpoint: "10.0.0.2:80",
      hostname: "carts-1",
      backends: ["carts"],
      since: "2026-06-01T09:59:59.000Z",
      by: "discovery",
      requestsInFlight: 0,
      sessionRequests: 0,
    },
  ]);
});

test("an endpoint that is gone stays on the list until its drain is ended", async () => {
  const backends = [carts, admin];
  const { desk: one } = desk([], backends);
  await one.start("10.0.0.1:81");
  backends.pop();
  expect((await one.list()).at(-1)).toMatchObject({ endpoint: "10.0.0.1:81", backends: [] });
  await one.end("10.0.0.1");
  expect((await one.list()).map(({ endpoint }) => endpoint)).toEqual(["10.0.0.2:80"]);
});
