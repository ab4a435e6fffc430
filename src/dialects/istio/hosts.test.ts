// Hosts of DestinationRules: short names, full names and wildcards.
import { expect, test } from "vitest";
import { fullHost, serviceOfHost, wildcardTakes } from "./hosts.ts";

test.each([
  ["httpbin", "httpbin.apps.svc.cluster.local"],
  ["httpbin.other", "httpbin.other"],
  ["httpbin.other.svc.cluster.local", "httpbin.other.svc.cluster.local"],
  ["*", "*"],
  ["*.example.com", "*.example.com"],
])("%s in namespace apps is %s", (host, full) => {
  expect(fullHost(host, "apps")).toBe(full);
});

test.each([
  ["httpbin.apps.svc.cluster.local", { name: "httpbin", namespace: "apps" }],
  ["httpbin.apps", undefined],
  ["pod.httpbin.apps.svc.cluster.local", undefined],
  ["*.apps.svc.cluster.local", undefined],
  ["api.example.com", undefined],
])("%s names %j", (host, service) => {
  expect(serviceOfHost(host)).toEqual(service);
});

test.each([
  ["*", true],
  ["*.apps.svc.cluster.local", true],
  ["*.local", true],
  ["*.other.svc.cluster.local", false],
])("%s takes a Service of namespace apps: %s", (wildcard, takes) => {
  expect(wildcardTakes(wildcard, "httpbin.apps.svc.cluster.local")).toBe(takes);
});
