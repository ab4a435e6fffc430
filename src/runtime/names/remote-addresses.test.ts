// That no name leads to the machine itself.
import { expect, test } from "vitest";
import { startDnsServer } from "../../../test/support/dns-server.ts";
import { dnsResolver } from "./name-resolver.ts";
import { LOCAL_ADDRESSES, remoteAddresses } from "./remote-addresses.ts";

test("local addresses are left out, whatever family they are of", async () => {
  const server = await startDnsServer({
    "carts.example": {
      a: ["127.0.0.1", "10.0.0.1", "169.254.169.254"],
      aaaa: ["0:0:0:0:0:0:0:1", "fe80:0:0:0:0:0:0:1", "0:0:0:0:0:ffff:7f00:1", "2001:db8:0:0:0:0:0:1"],
      ttlSec: 42,
    },
  });
  const { addresses, ttlSec } = await remoteAddresses(dnsResolver([server.address]))("carts.example");
  expect([...addresses].sort()).toEqual(["10.0.0.1", "2001:db8::1"]);
  expect(ttlSec).toBe(42);
});

test.each(["localhost", "rebound.example"])("%s, which has no other addresses, is an error", async (host) => {
  const server = await startDnsServer({ "rebound.example": { a: ["127.0.0.1"] } });
  const resolve = remoteAddresses(dnsResolver([server.address]));
  await expect(resolve(host)).rejects.toMatchObject({ code: LOCAL_ADDRESSES });
});
