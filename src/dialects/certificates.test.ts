// Certificates over several translations: what is renewed, what is broken on reload, what touches whom, and what time it is.
import { describe, expect, test } from "vitest";
import { type Issued, makeAuthority } from "../../test/support/certificates.ts";
import { translate } from "./translate.ts";
import type { Resource } from "./translation.ts";
import { readResources } from "./yaml/read-resources.ts";

const authority = makeAuthority({ name: "Test authority" });

const FRAME = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: any
  tls: {frontend: {default: {validation: {caCertificateRefs: [{group: "", kind: ConfigMap, name: clients}]}}}}
  listeners:
    - {name: https, port: 8443, protocol: HTTPS, tls: {certificateRefs: [{name: shop}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: app, port: 443}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {ports: [{port: 443}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: app}
spec:
  targetRefs: [{group: "", kind: Service, name: app}]
  validation: {hostname: app.example.com, caCertificateRefs: [{group: "", kind: ConfigMap, name: backends}]}
`;

function resources(...documents: string[]): Resource[] {
  return documents.flatMap((text) => [...readResources("f.yaml", text).resources]);
}

function block(text: string): string {
  return `|\n${text.replaceAll(/^/gm, "    ")}`;
}

function secret(name: string, { chain, privateKey }: Issued): string {
  return `apiVersion: v1
kind: Secret
metadata: {name: ${name}}
type: kubernetes.io/tls
stringData:
  tls.crt: ${block(chain)}
  tls.key: ${block(privateKey)}
`;
}

function configMap(name: string, certificate: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata:\n  ca.crt: ${block(certificate)}\n`;
}

const leaf = authority.issue({ names: ["shop.example.com"] });
const renewed = authority.issue({ names: ["shop.example.com"] });
const frame = resources(FRAME);
const authorities = resources(
  configMap("clients", authority.certificate),
  configMap("backends", authority.certificate),
);
const before = translate([...frame, ...authorities, ...resources(secret("shop", leaf))]);

describe("a certificate that is renewed", () => {
  const after = translate(
    [...frame, ...authorities, ...resources(secret("shop", renewed))],
    {},
    before.memory,
  );

  test("changes its listener and no route", () => {
    expect(before.snapshot.listeners[0]?.tls?.certificates[0]?.chain).toBe(leaf.chain);
    expect(after.snapshot.listeners[0]?.tls?.certificates[0]).toEqual({
      id: "Secret/default/shop",
      ...renewed,
    });
    expect(after.snapshot.routes).toBe(before.snapshot.routes);
    expect(after.snapshot.backends).toBe(before.snapshot.backends);
  });

  test("changes nothing where nobody names it", () => {
    const other = resources(secret("other", renewed), configMap("settings", authority.certificate));
    const again = translate(
      [...frame, ...authorities, ...resources(secret("shop", renewed)), ...other],
      {},
      after.memory,
    );
    expect(again.snapshot.listeners).toEqual(after.snapshot.listeners);
    expect(again.snapshot.routes).toBe(after.snapshot.routes);
    expect(again.snapshot.backends).toBe(after.snapshot.backends);
  });
});

describe("a certificate that cannot be used any more", () => {
  const broken = resources(secret("shop", { chain: renewed.chain, privateKey: leaf.privateKey }));

  test("stays in its last good form, and findings say so", () => {
    const after = translate([...frame, ...authorities, ...broken], {}, before.memory);
    expect(after.snapshot.listeners).toEqual(before.snapshot.listeners);
    expect(after.findings.map(({ code }) => code)).toEqual(["invalid-certificate", "last-good-form"]);
    const later = translate([...frame, ...authorities, ...broken], {}, after.memory);
    expect(later.snapshot.listeners).toEqual(before.snapshot.listeners);
  });

  test("is told by the conditions of its listener until it is mended", () => {
    const resolved = (...documents: readonly Resource[]) => {
      const { statuses } = translate([...frame, ...authorities, ...documents], {}, before.memory);
      const gateway = statuses.find(({ object }) => object.kind === "Gateway");
      return gateway?.listeners?.[0]?.conditions.find(({ type }) => type === "ResolvedRefs");
    };
    expect(resolved(...broken)).toMatchObject({ status: "False", reason: "InvalidCertificateRef" });
    expect(resolved(...resources(secret("shop", renewed)))).toMatchObject({ status: "True" });
  });

  test("opens nothing where there never was a good one", () => {
    const after = translate([...frame, ...authorities, ...broken]);
    expect(after.snapshot.listeners).toEqual([]);
    expect(after.snapshot.routes).toEqual([]);
  });
});

describe("authorities", () => {
  const rest = [...frame, ...resources(secret("shop", leaf), configMap("clients", authority.certificate))];

  test("that change reach the backend that they are for", () => {
    const next = makeAuthority({ name: "Next authority" }).certificate;
    const after = translate([...rest, ...resources(configMap("backends", next))], {}, before.memory);
    expect(after.snapshot.backends[0]?.tls?.trust).toEqual([
      { id: "ConfigMap/default/backends", certificates: next },
    ]);
    expect(after.snapshot.listeners).toEqual(before.snapshot.listeners);
  });

  test("that break stay as they were", () => {
    const after = translate([...rest, ...resources(configMap("backends", "nothing"))], {}, before.memory);
    expect(after.snapshot.backends[0]?.tls).toEqual(before.snapshot.backends[0]?.tls);
    const policy = after.statuses.find(({ object }) => object.kind === "BackendTLSPolicy");
    expect(policy?.parents?.[0]?.conditions).toMatchObject([
      { type: "Accepted", status: "False", reason: "NoValidCACertificate" },
      { type: "ResolvedRefs", status: "False", reason: "InvalidCACertificateRef" },
    ]);
  });

  test("of clients that break stay as they were, and the listener says so", () => {
    const certificates = resources(secret("shop", leaf), configMap("backends", authority.certificate));
    const broken = resources(configMap("clients", "nothing"));
    const after = translate([...frame, ...certificates, ...broken], {}, before.memory);
    expect(after.snapshot.listeners).toEqual(before.snapshot.listeners);
    const gateway = after.statuses.find(({ object }) => object.kind === "Gateway");
    expect(gateway?.listeners?.[0]?.conditions).toContainEqual(
      expect.objectContaining({ type: "ResolvedRefs", status: "False", reason: "InvalidCACertificateRef" }),
    );
  });

  test("that go leave nobody to be trusted, and never a plain connection", () => {
    const after = translate(rest, {}, before.memory);
    expect(after.snapshot.backends[0]?.tls).toEqual({ subjectAltNames: [], trust: [] });
  });
});

test("a certificate that expires is told from that moment on, and served all the same", () => {
  const short = authority.issue({ names: ["shop.example.com"], notAfter: new Date("2026-03-01T00:00:00Z") });
  const all = [...frame, ...authorities, ...resources(secret("shop", short))];
  const inTime = translate(all, { nowMs: Date.parse("2026-03-01T00:00:00Z") });
  expect(inTime.findings).toEqual([]);
  const late = translate(all, { nowMs: Date.parse("2026-03-01T00:00:01Z") }, inTime.memory);
  expect(late.findings).toMatchObject([{ code: "certificate-out-of-time", severity: "warning" }]);
  expect(late.snapshot.listeners).toBe(inTime.snapshot.listeners);
});
