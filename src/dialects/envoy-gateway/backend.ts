// Backend of Envoy Gateway: endpoints by address or by name, with TLS of its own.

import { z } from "zod";
import { parseIp } from "../../model/index.ts";
import { CONFIG_MAP } from "../core/config-map.ts";
import { SECRET } from "../core/secret.ts";
import type { BackendKind } from "../dialect.ts";
import { draftFinding } from "../findings.ts";
import { REFERENCE_GRANT } from "../gateway-api/reference-grant.ts";
import { UNREADABLE } from "../policies/upstream-tls.ts";
import { checked, type FieldProblem, ignored, portNumber, rule, text } from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import { exactlyOneOf } from "../schema/one-of.ts";
import type { Reading } from "../schema/read-object.ts";
import { notServed, qualifiedId, speaking } from "../static-backend.ts";
import { type StaticPlace, staticPlaces } from "../static-places.ts";
import { backendTlsSchema, compileBackendTls } from "./backend-tls.ts";
import { preciseHostname } from "./fields.ts";

const address = checked(z.string(), (value) => {
  if (parseIp(value) !== undefined) return undefined;
  return {
    message: `${JSON.stringify(value)} is no IP address`,
    expected: "an IPv4 or IPv6 address",
    hint: "write the address, or use fqdn for a name",
  };
});

const fqdn = text(
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\.?$/,
  "a lower-case DNS name without port",
  "app.example.com",
  253,
);

const endpoint = checked(
  z.strictObject({
    hostname: preciseHostname.optional(),
    fqdn: z.strictObject({ hostname: fqdn, port: portNumber }).optional(),
    ip: z.strictObject({ address, port: portNumber }).optional(),
    unix: z.strictObject({ path: z.string().max(108) }).optional(),
    zone: z.string().optional(),
  }),
  (value) =>
    exactlyOneOf(value, {
      ip: "{address: 10.0.0.1, port: 80}",
      fqdn: "{hostname: app.example.com, port: 80}",
      unix: "{path: /run/app.sock}",
    }),
);

const endpoints = checked(z.array(endpoint).min(1).max(256), (list) => {
  const names = list.findIndex((one) => one.fqdn !== undefined);
  if (names < 0 || list.every((one) => one.fqdn !== undefined)) return undefined;
  return rule({
    path: [names, "fqdn"],
    message: "names and addresses stand in one list",
    expected: "endpoints that all have fqdn, or none",
    hint: "make two Backends of them",
  });
});

/** The CRD lets it through. */
const NO_ENDPOINTS: FieldProblem = {
  absent: ["endpoints"],
  code: "backend-approximated",
  severity: "warning",
  message: "the Backend lists no endpoints, so there are none",
  expected: "endpoints",
  hint: "add endpoints: [{ip: {address: 10.0.0.1, port: 80}}]",
};

/** Where names of certificates are those of the endpoints. */
function namelessEndpoints(list: readonly z.output<typeof endpoint>[]) {
  return [...list.entries()]
    .filter(([, { hostname, fqdn }]) => hostname === undefined && fqdn === undefined)
    .map(([index]) =>
      rule({
        absent: ["hostname", "fqdn"],
        path: ["endpoints", index],
        message: "autoSNIFromEndpointHostname needs a hostname where the endpoint is an address",
        expected: "hostname",
        hint: "add hostname: app.example.com, or write tls.sni",
      }),
    );
}

export const ENVOY_GATEWAY_BACKEND = defineKind(
  { group: "gateway.envoyproxy.io", kind: "Backend", versions: ["v1alpha1"] },
  {
    spec: checked(
      z.strictObject({
        type: z.enum(["Endpoints", "DynamicResolver"]).default("Endpoints"),
        endpoints: endpoints.optional(),
        appProtocols: z
          .array(
            z.enum(["gateway.envoyproxy.io/h2c", "gateway.envoyproxy.io/ws", "gateway.envoyproxy.io/wss"]),
          )
          .default([]),
        fallback: ignored(
          z.boolean(),
          "endpoints have no priorities, so this backend gets its share at all times",
          "give the backendRef weight: 0 until it is needed",
        ),
        tls: backendTlsSchema.optional(),
      }),
      ({ type, endpoints, tls }) => {
        if (type === "Endpoints" && endpoints === undefined) return NO_ENDPOINTS;
        if (type !== "DynamicResolver" || endpoints === undefined) {
          return tls?.autoSNIFromEndpointHostname === true ? namelessEndpoints(endpoints ?? []) : undefined;
        }
        const message = "a backend of type DynamicResolver has no endpoints";
        const hint = "remove endpoints, or write type: Endpoints";
        return rule({ path: ["endpoints"], message, expected: "no endpoints", hint });
      },
    ),
  },
);

type Value = ValueOf<typeof ENVOY_GATEWAY_BACKEND>;

export const ENVOY_GATEWAY_BACKEND_KIND: BackendKind<Value> = {
  kind: ENVOY_GATEWAY_BACKEND,
  resolve: ({ object, value: { spec } }) => {
    if (spec.type === "DynamicResolver") {
      const what = "goes wherever the host of a request says, which is not served";
      return notServed(object, what, "type: Endpoints");
    }
    const protocol = spec.appProtocols.find((one) => one !== "gateway.envoyproxy.io/ws");
    return speaking({ id: qualifiedId(object), object }, protocol, spec.tls !== undefined);
  },
  dependsOn: ({ value }, objects) =>
    value.spec.tls === undefined
      ? []
      : [objects.all(SECRET), objects.all(CONFIG_MAP), objects.all(REFERENCE_GRANT)],
  endpoints: (backend, _port, objects) => {
    const { endpoints = [], tls } = backend.value.spec;
    const places = endpoints.map(placeOf).filter((place) => place !== undefined);
    const hostnames = endpoints
      .map(({ hostname, fqdn }) => hostname ?? fqdn?.hostname.replace(/\.$/, ""))
      .filter((name) => name !== undefined);
    const compiled = backend.hasErrorAt(["spec", "tls"])
      ? UNREADABLE
      : tls && compileBackendTls(tls, hostnames, backend, objects);
    return {
      result: {
        ...staticPlaces(places),
        ...(compiled === undefined ? {} : { settings: { tls: compiled.result } }),
      },
      findings: [...sockets(backend), ...(compiled?.findings ?? [])],
    };
  },
};

function placeOf({ hostname, fqdn, ip, zone }: z.output<typeof endpoint>): StaticPlace | undefined {
  const place =
    fqdn === undefined ? ip && { host: ip.address, port: ip.port } : { host: fqdn.hostname, port: fqdn.port };
  if (place === undefined) return undefined;
  return {
    ...place,
    ...(hostname === undefined ? {} : { hostname }),
    ...(zone === undefined ? {} : { zone }),
  };
}

function sockets({ object, value, writtenPath }: Reading<Value>) {
  return (value.spec.endpoints ?? []).flatMap(({ unix }, index) => {
    if (unix === undefined) return [];
    return [
      draftFinding("backend-approximated", object, writtenPath(["spec", "endpoints", index, "unix"]), {
        message: "endpoints behind a Unix socket are not spoken to, so this one is left out",
        expected: "ip or fqdn",
        hint: "let the endpoint listen on a TCP port too",
      }),
    ];
  });
}
