// Which backends are checked with the certificate of a Gateway.
import { expect, test } from "vitest";
import { listener, route } from "../../test/support/routes.ts";
import { backend, forwardRule, snapshotOf } from "../../test/support/snapshots.ts";
import type { Filter, TlsRoute } from "../model/index.ts";
import { certificatesOfChecks } from "./check-certificates.ts";

const certificate = (id: string) => ({ id, chain: "", privateKey: "" });
const one = { ...listener("one"), backendCertificate: certificate("first") };
const two = { ...listener("two"), backendCertificate: certificate("second") };
const bare = listener("bare");
const both = backend("both", []);
const late = backend("late", []);
const nobody = backend("nobody", []);
const copied = backend("copied", []);
const passed = backend("passed", []);

test("those that routes lead to from its listeners, mirrors too; of several Gateways the first one's", () => {
  const copy: Filter = { kind: "mirror", backend: copied.id, numerator: 1, denominator: 1 };
  const tlsRoute: TlsRoute = {
    id: "TLSRoute/default/passed",
    object: { group: "gateway.networking.k8s.io", kind: "TLSRoute", namespace: "default", name: "passed" },
    attachments: [{ listener: two.id, hostnames: ["*"] }],
    backends: [{ backend: passed.id, weight: 1, filters: [] }],
  };
  const snapshot = {
    ...snapshotOf({
      listeners: [bare, one, two],
      routes: [
        route("bare", bare, [], forwardRule([nobody])),
        route("one", one, [], forwardRule([both], { filters: [copy] })),
        route("two", two, [], forwardRule([both, late])),
      ],
      backends: [both, late, nobody, copied, passed],
    }),
    tlsRoutes: [tlsRoute],
  };
  const shown = [...certificatesOfChecks(snapshot)].map(([id, certificate]) => [id, certificate.id]);
  expect(Object.fromEntries(shown)).toEqual({
    [both.id]: "first",
    [copied.id]: "first",
    [late.id]: "second",
    [passed.id]: "second",
  });
});

test("none where no Gateway has one", () => {
  const snapshot = snapshotOf({
    listeners: [bare],
    routes: [route("bare", bare, [], forwardRule([both]))],
    backends: [both],
  });
  expect(certificatesOfChecks(snapshot).size).toBe(0);
});
