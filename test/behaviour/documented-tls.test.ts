// The manifests of docs/tls.md say what they mean: with the objects that they name there is nothing to object to.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { translate } from "../../src/dialects/translate.ts";
import { readResources } from "../../src/dialects/yaml/read-resources.ts";
import { makeAuthority } from "../support/certificates.ts";
import { authorities, certificateSecret, documents } from "../support/tls-manifests.ts";

const PAGE = readFileSync(join(resolve(import.meta.dirname, "../.."), "docs/tls.md"), "utf8");
const MANIFESTS = [...PAGE.matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => text as string);

const authority = makeAuthority({ name: "Example authority" });

function service(name: string, port: object): string {
  return JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name }, spec: { ports: [port] } });
}

const HTTP_ROUTE = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: carts}
spec:
  parentRefs: [{name: edge}]
  rules: [{backendRefs: [{name: carts, port: 443}]}]
`;

const { snapshot, findings } = translate(
  [
    ...MANIFESTS,
    HTTP_ROUTE,
    documents(
      certificateSecret("shop-certificate", authority.issue({ names: ["shop.example.com"] })),
      certificateSecret("wildcard-certificate", authority.issue({ names: ["*.example.com"] })),
      certificateSecret("gateway-certificate", authority.issue({ names: ["gateway.example.com"] })),
      authorities("partner-authorities", authority.certificate),
      authorities("internal-authorities", authority.certificate),
    ),
    service("carts", { name: "https", port: 443 }),
    service("database", { port: 5432 }),
  ].flatMap((text) => [...readResources("tls.md", text).resources]),
  { nowMs: Date.parse("2026-06-01T00:00:00Z") },
);

test("there is nothing to object to", () => {
  expect(MANIFESTS.length).toBeGreaterThan(4);
  expect(findings).toEqual([]);
});

test("all listeners are opened, and ask whom they should", () => {
  expect(snapshot.listeners.map(({ name, port, protocol }) => `${name} ${port} ${protocol}`)).toEqual([
    "shop 8443 HTTPS",
    "others 8443 HTTPS",
    "http 8080 HTTP",
    "https 9443 HTTPS",
    "public 9444 HTTPS",
    "tls 8444 TLS",
  ]);
  const asking = snapshot.listeners.filter(({ tls }) => tls?.clientValidation !== undefined);
  expect(asking.map(({ name }) => name)).toEqual(["https"]);
  expect(snapshot.tlsRoutes[0]?.attachments[0]?.hostnames).toEqual(["database.example.net"]);
});

test("endpoints are verified under the policy", () => {
  expect(snapshot.backends.find(({ id }) => id === "Service/default/carts:443")?.tls).toEqual({
    serverName: "carts.internal.example.com",
    subjectAltNames: [],
    trust: [{ id: "ConfigMap/default/internal-authorities", certificates: authority.certificate }],
  });
});
