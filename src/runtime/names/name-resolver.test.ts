// What DNS answers become: all addresses of both families, the shortest time to live, and errors that are told.
import { expect, test } from "vitest";
import { startDnsServer } from "../../../test/support/dns-server.ts";
import { dnsResolver } from "./name-resolver.ts";

test("all addresses of both families, kept no longer than the shortest of their times", async () => {
  const server = await startDnsServer({
    "carts.example": { a: ["10.0.0.2", "10.0.0.1"], aaaa: ["2001:db8:0:0:0:0:0:1"], ttlSec: 42 },
  });
  const { addresses, ttlSec } = await dnsResolver([server.address])("carts.example");
  expect([...addresses].sort()).toEqual(["10.0.0.1", "10.0.0.2", "2001:db8::1"]);
  expect(ttlSec).toBe(42);
});

test("one family is enough", async () => {
  const server = await startDnsServer({ "carts.example": { a: ["10.0.0.1"] } });
  expect((await dnsResolver([server.address])("carts.example")).addresses).toEqual(["10.0.0.1"]);
});

test("an alias leads to the addresses", async () => {
  const server = await startDnsServer({ "carts.example": { cname: "pool.example", a: ["10.0.0.9"] } });
  expect((await dnsResolver([server.address])("carts.example")).addresses).toEqual(["10.0.0.9"]);
});

test.each([
  ["NXDOMAIN", "ENOTFOUND"],
  ["SERVFAIL", "ESERVFAIL"],
] as const)("%s is an error with the system's code", async (answer, code) => {
  const server = await startDnsServer({ "carts.example": answer });
  await expect(dnsResolver([server.address])("carts.example")).rejects.toMatchObject({ code });
});

test("a name without any address is an error", async () => {
  const server = await startDnsServer({ "carts.example": {} });
  await expect(dnsResolver([server.address])("carts.example")).rejects.toMatchObject({ code: "ENODATA" });
});

test("a server that fails for one family does not take the other away", async () => {
  const server = await startDnsServer({ "carts.example": { a: ["10.0.0.1"], fails: "AAAA" } });
  expect(await dnsResolver([server.address])("carts.example")).toMatchObject({
    addresses: ["10.0.0.1"],
    unknownFamily: 6,
  });
});

test("a family without addresses is known to have none", async () => {
  const server = await startDnsServer({ "carts.example": { aaaa: ["2001:db8:0:0:0:0:0:1"], ttlSec: 9 } });
  expect(await dnsResolver([server.address])("carts.example")).toEqual({
    addresses: ["2001:db8::1"],
    ttlSec: 9,
  });
});

test("a name that no server knows is the system's to find, without a time to live", async () => {
  const server = await startDnsServer({ "known.example": { a: ["10.0.0.1"] } });
  const bySystem = async (host: string) => [{ address: "10.9.0.1" }, { address: `${host}'s` }];
  const resolve = dnsResolver([server.address], bySystem);
  expect(await resolve("carts")).toEqual({ addresses: ["10.9.0.1", "carts's"], ttlSec: undefined });
  expect((await resolve("known.example")).addresses).toEqual(["10.0.0.1"]);
});

test("localhost is asked of nobody", async () => {
  const server = await startDnsServer();
  expect((await dnsResolver([server.address])("localhost")).addresses).toEqual(["127.0.0.1"]);
  expect(server.questions).toEqual([]);
});
