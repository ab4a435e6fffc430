// CORS through the pipeline: preflights end at the gateway, and every answer says who may read it.
import { expect, test } from "vitest";
import type { Cors, Filter, Rule } from "../../src/model/index.ts";
import { MemoryGateway } from "../support/memory-gateway.ts";
import { backend, endpoint, forwardRule, snapshotOf } from "../support/snapshots.ts";

const web = backend("web", [endpoint("10.0.0.1:80")]);
const ORIGIN = "access-control-allow-origin";

function cors(more: Partial<Cors> = {}): Filter {
  return {
    kind: "cors",
    cors: {
      allowOrigins: ["https://app.example"],
      allowMethods: ["PUT"],
      allowHeaders: [],
      exposeHeaders: [],
      allowCredentials: false,
      maxAgeSec: 5,
      ...more,
    },
  };
}

function gatewayWith(rule: Partial<Rule>): MemoryGateway {
  return new MemoryGateway(snapshotOf({ backends: [web], rules: [forwardRule([web], rule)] }));
}

const PREFLIGHT = ["origin", "https://app.example", "access-control-request-method", "PUT"];

test("a preflight is answered by the gateway", () => {
  const gateway = gatewayWith({ filters: [cors()] });
  const client = gateway.request({ method: "OPTIONS", fields: PREFLIGHT });
  expect(client.response).toMatchObject({ status: 204, length: 0 });
  expect(client.responseFields(ORIGIN)).toEqual(["https://app.example"]);
  expect(client.responseFields("access-control-allow-methods")).toEqual(["PUT"]);
  expect(gateway.endpoints.received).toEqual([]);
  expect(gateway.log).toMatchObject([{ status: 204, error: undefined }]);
});

test("OPTIONS that ask for something else reach the endpoint", () => {
  const gateway = gatewayWith({ filters: [cors()] });
  gateway.request({ method: "OPTIONS", fields: ["origin", "https://app.example"] });
  expect(gateway.endpoints.received).toHaveLength(1);
});

test("a preflight is answered even where everything else is redirected", () => {
  const redirect: Filter = { kind: "redirect", redirect: { hostname: "new.example", status: 302 } };
  const gateway = gatewayWith({ filters: [redirect, cors()], action: { kind: "forward", backends: [] } });
  expect(gateway.request({ method: "OPTIONS", fields: PREFLIGHT }).response?.status).toBe(204);
  const redirected = gateway.request({ fields: ["origin", "https://app.example"] });
  expect(redirected.response?.status).toBe(302);
  expect(redirected.responseFields(ORIGIN)).toEqual(["https://app.example"]);
});

test("the gateway's word replaces the endpoint's", () => {
  const gateway = gatewayWith({ filters: [cors()] });
  const own = [ORIGIN, "*", "access-control-allow-credentials", "true", "vary", "accept-encoding"];
  const client = gateway.request({ fields: ["origin", "https://app.example"] });
  gateway.endpoints.last.answer(200, own);
  expect(client.responseFields(ORIGIN)).toEqual(["https://app.example"]);
  expect(client.responseFields("access-control-allow-credentials")).toEqual([]);
  expect(client.responseFields("vary")).toEqual(["accept-encoding", "origin"]);
  const stranger = gateway.request({ fields: ["origin", "https://stranger.example"] });
  gateway.endpoints.last.answer(200, own);
  expect(stranger.responseFields(ORIGIN)).toEqual([]);
});

test("errors of the gateway can be read by those who may read the rest", () => {
  const gateway = new MemoryGateway(
    snapshotOf({ backends: [backend("web", [])], rules: [forwardRule([web], { filters: [cors()] })] }),
  );
  const client = gateway.request({ fields: ["origin", "https://app.example"] });
  expect(client.response?.status).toBe(503);
  expect(client.responseFields(ORIGIN)).toEqual(["https://app.example"]);
});

test("a filter of the backendRef wins over the rule's", () => {
  const own = cors({ allowOrigins: ["https://other.example"] });
  const gateway = gatewayWith({
    filters: [cors()],
    action: { kind: "forward", backends: [{ backend: web.id, weight: 1, filters: [own] }] },
  });
  const client = gateway.request({ fields: ["origin", "https://other.example"] });
  gateway.endpoints.last.answer(200);
  expect(client.responseFields(ORIGIN)).toEqual(["https://other.example"]);
  expect(client.responseFields("vary")).toEqual(["origin"]);
});
