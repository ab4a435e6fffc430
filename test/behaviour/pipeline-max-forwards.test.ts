// Max-Forwards: OPTIONS and TRACE count down from hop to hop, and where the count ends the gateway answers by itself.
import { describe, expect, test } from "vitest";
import { MemoryGateway } from "../support/memory-gateway.ts";
import { backend, endpoint, snapshotOf } from "../support/snapshots.ts";

const web = backend("web", [endpoint("10.0.0.1:80")]);

function ask(method: string, ...fields: string[]) {
  const gateway = new MemoryGateway(snapshotOf({ backends: [web] }));
  return { gateway, client: gateway.request({ method, fields }) };
}

describe("on the way", () => {
  test.each(["OPTIONS", "TRACE"])("%s counts down", (method) => {
    const { gateway } = ask(method, "max-forwards", "3");
    expect(gateway.endpoints.last.values("max-forwards")).toEqual(["2"]);
  });

  test("OPTIONS without it passes as it is", () => {
    expect(ask("OPTIONS").gateway.endpoints.last.values("max-forwards")).toEqual([]);
  });

  test("it means nothing to other methods", () => {
    expect(ask("GET", "max-forwards", "0").gateway.endpoints.last.values("max-forwards")).toEqual(["0"]);
  });
});

describe("at the end of the count", () => {
  test("OPTIONS gets the methods, and no endpoint hears of it", () => {
    const { gateway, client } = ask("OPTIONS", "max-forwards", "0");
    expect(client.response?.status).toBe(204);
    expect(client.responseFields("allow")[0]).toContain("OPTIONS");
    expect(client.body.ended).toBe(true);
    expect(gateway.endpoints.received).toEqual([]);
    expect(gateway.log).toMatchObject([{ status: 204, error: undefined }]);
  });

  test("TRACE is not offered: an echo of the request would show what only the endpoint may see", () => {
    const { gateway, client } = ask("TRACE", "max-forwards", "0");
    expect(client.response?.status).toBe(405);
    expect(client.responseFields("allow")).toHaveLength(1);
    expect(gateway.endpoints.received).toEqual([]);
  });

  test.each([["x"], ["-1"], [""], ["99999999999"], ["1, 2"]])("a count of %j gets 400", (count) => {
    const { gateway, client } = ask("OPTIONS", "max-forwards", count);
    expect(client.response?.status).toBe(400);
    expect(gateway.endpoints.received).toEqual([]);
  });

  test("two counts get 400", () => {
    expect(ask("OPTIONS", "max-forwards", "1", "max-forwards", "2").client.response?.status).toBe(400);
  });
});
