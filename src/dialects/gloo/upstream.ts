// Upstream of Gloo: a backend of static hosts, or of a Service, with all that is said of connections to it.
import { z } from "zod";
import { objectText, parseIp } from "../../model/index.ts";
import { SECRET } from "../core/secret.ts";
import { SERVICE, SERVICE_BACKEND } from "../core/service.ts";
import type { BackendKind, Told } from "../dialect.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import { isReferencePermitted, REFERENCE_GRANT } from "../gateway-api/reference-grant.ts";
import type { ObjectSet } from "../object-set.ts";
import type { BackendSettings } from "../policies/attachment.ts";
import { UNREADABLE } from "../policies/upstream-tls.ts";
import { checked, ignored, namespaceName, objectName, portNumber } from "../schema/fields.ts";
import { defineKind, type ValueOf } from "../schema/kind.ts";
import { exactlyOneOf } from "../schema/one-of.ts";
import type { Reading } from "../schema/read-object.ts";
import { notServed, speaking } from "../static-backend.ts";
import { hostOrAddress, type StaticPlaces, staticPlaces } from "../static-places.ts";
import type { TranslateOptions } from "../translation.ts";
import { namespacedStatuses, unread } from "./fields.ts";
import { loadBalancer, loadBalancerSchema, slowStart } from "./upstream-balancer.ts";
import { circuitBreakersSchema, connectionConfigSchema, connectionSettings } from "./upstream-connection.ts";
import {
  healthCheck,
  healthCheckSchema,
  outlierDetectionSchema,
  outlierSettings,
} from "./upstream-health.ts";
import { compileSslConfig, plainTls, sslConfigSchema } from "./upstream-tls.ts";

const host = z.strictObject({
  addr: hostOrAddress,
  port: portNumber,
  sniAddr: z.string().default(""),
  loadBalancingWeight: z.int().min(1).default(1),
  healthCheckConfig: unread("all hosts are checked in the same way"),
  metadata: unread("hosts are not told apart by metadata"),
});

const staticHosts = z.strictObject({
  hosts: z.array(host).min(1),
  useTls: z.boolean().optional(),
  autoSniRewrite: z.boolean().default(true),
  serviceSpec: unread("what a service can do beside HTTP is not looked at"),
});

const kube = z.strictObject({
  serviceName: objectName,
  serviceNamespace: namespaceName.optional(),
  servicePort: portNumber,
  selector: ignored(
    z.record(z.string(), z.string()),
    "all endpoints of the Service are used",
    "name a Service that selects the Pods",
  ),
  subsetSpec: unread("subsets are not told apart"),
  serviceSpec: unread("what a service can do beside HTTP is not looked at"),
});

const OTHER_TYPES = ["pipe", "aws", "azure", "consul", "awsEc2", "gcp", "ai"] as const;

const other = z.looseObject({}).optional();

const overHttp2 = unread("endpoints are spoken to with HTTP/1.1");

const spec = checked(
  z.strictObject({
    static: staticHosts.optional(),
    kube: kube.optional(),
    ...(Object.fromEntries(OTHER_TYPES.map((name) => [name, other])) as Record<
      (typeof OTHER_TYPES)[number],
      typeof other
    >),
    sslConfig: sslConfigSchema.optional(),
    circuitBreakers: circuitBreakersSchema.optional(),
    loadBalancerConfig: loadBalancerSchema.optional(),
    connectionConfig: connectionConfigSchema.optional(),
    healthChecks: z.array(healthCheckSchema).default([]),
    outlierDetection: outlierDetectionSchema.optional(),
    proxyProtocolVersion: z.enum(["V1", "V2"]).optional(),
    useHttp2: z.boolean().default(false),
    httpProxyHostname: z.string().optional(),
    failover: unread("endpoints have no priorities, so nobody steps in for them"),
    protocolSelection: overHttp2,
    initialStreamWindowSize: overHttp2,
    initialConnectionWindowSize: overHttp2,
    maxConcurrentStreams: overHttp2,
    overrideStreamErrorOnInvalidHttpMessage: unread("invalid messages always end their connection"),
    httpConnectSslConfig: unread("there is no tunnel"),
    httpConnectHeaders: unread("there is no tunnel"),
    ignoreHealthOnHostRemoval: unread("endpoints that are removed are gone at once"),
    respectDnsTtl: unread("addresses of names are used as long as their TTL"),
    dnsRefreshRate: unread("addresses of names are used as long as their TTL"),
    preconnectPolicy: unread("connections are opened when they are needed"),
    disableIstioAutoMtls: unread("there is no mesh"),
    namespacedStatuses,
    /** Of Gloo's discovery. */
    discoveryMetadata: z.unknown().optional(),
  }),
  (value) => {
    const others = Object.fromEntries(OTHER_TYPES.map((name) => [name, "{}"]));
    const examples = {
      static: "{hosts: [{addr: 10.0.0.1, port: 80}]}",
      kube: "{serviceName: my-app, servicePort: 80}",
    };
    return exactlyOneOf(value, { ...examples, ...others });
  },
);

export const UPSTREAM = defineKind({ group: "gloo.solo.io", kind: "Upstream", versions: ["v1"] }, { spec });

type Value = ValueOf<typeof UPSTREAM>;
type Upstream = Reading<Value>;

export const UPSTREAM_KIND: BackendKind<Value> = {
  kind: UPSTREAM,
  resolve: ({ object, value: { spec } }) => {
    if (spec.httpProxyHostname !== undefined) {
      return notServed(object, "is reached through a tunnel, which is not served", "no httpProxyHostname");
    }
    if (spec.static === undefined && spec.kube === undefined) {
      const type = OTHER_TYPES.find((one) => spec[one] !== undefined) ?? "unknown";
      return notServed(object, `is of type ${type}, which is not served`, "static or kube");
    }
    const balances = spec.loadBalancerConfig !== undefined;
    return speaking({ id: objectText(object), object, balances }, spec.useHttp2 ? "http2" : undefined);
  },
  dependsOn: (upstream, objects) => {
    const service = serviceOf(upstream, objects);
    return [
      objects.all(REFERENCE_GRANT),
      ...(upstream.value.spec.sslConfig === undefined ? [] : [objects.all(SECRET)]),
      ...(service === undefined ? [] : [service, ...SERVICE_BACKEND.dependsOn(service, objects)]),
    ];
  },
  endpoints: (upstream, _port, objects, options) => {
    const { spec } = upstream.value;
    const places = placesOf(upstream, objects, options);
    const tls = tlsOf(upstream, objects);
    const settings = { ...settingsOf(spec), ...(tls === undefined ? {} : { tls: tls.result }) };
    return {
      result: {
        ...places.result,
        ...(spec.loadBalancerConfig === undefined
          ? {}
          : { loadBalancer: loadBalancer(spec.loadBalancerConfig) }),
        settings,
      },
      findings: [...places.findings, ...(tls?.findings ?? [])],
    };
  },
};

function serviceOf({ object, value }: Upstream, objects: ObjectSet) {
  const { kube } = value.spec;
  if (kube === undefined) return undefined;
  return objects.get(SERVICE, kube.serviceNamespace ?? object.namespace, kube.serviceName);
}

function placesOf(upstream: Upstream, objects: ObjectSet, options: TranslateOptions): Told<StaticPlaces> {
  const { static: listed, kube } = upstream.value.spec;
  if (listed !== undefined) {
    const places = listed.hosts.map(({ addr, port, loadBalancingWeight: weight }) => {
      return { host: addr, port, weight, hostname: addr };
    });
    return { result: staticPlaces(places), findings: [] };
  }
  if (kube === undefined) return { result: { endpoints: [] }, findings: [] };
  const namespace = kube.serviceNamespace ?? upstream.object.namespace;
  const to = { group: SERVICE.group, kind: SERVICE.kind, namespace, name: kube.serviceName };
  const service = serviceOf(upstream, objects);
  const permitted = isReferencePermitted(objects.all(REFERENCE_GRANT), upstream.object, to);
  if (service !== undefined && permitted)
    return SERVICE_BACKEND.endpoints(service, kube.servicePort, objects, options);
  const path = upstream.writtenPath(["spec", "kube", "serviceName"]);
  const finding = draftFinding("backend-approximated", upstream.object, path, {
    message: permitted
      ? `${objectText(to)} is not there, so there are no endpoints`
      : `no ReferenceGrant in namespace ${namespace} permits the reference to ${objectText(to)}`,
    expected: "a Service that the Upstream may name",
    hint: permitted
      ? "correct the name, or add the Service"
      : `add a ReferenceGrant in namespace ${namespace}`,
  });
  return { result: { endpoints: [] }, findings: [finding] };
}

/** Gloo speaks TLS to static hosts where it is told to, or where one of them has port 443. */
function tlsOf(upstream: Upstream, objects: ObjectSet) {
  const { sslConfig, static: listed } = upstream.value.spec;
  const isUnread = [
    ["spec", "sslConfig"],
    ["spec", "static", "useTls"],
  ].some((path) => upstream.hasErrorAt(path));
  if (isUnread) return UNREADABLE;
  const serverName = serverNameOf(upstream);
  if (sslConfig !== undefined) {
    const told = compileSslConfig(sslConfig, serverName.result, upstream, objects);
    return { ...told, findings: [...told.findings, ...serverName.findings] };
  }
  if (listed === undefined || !(listed.useTls ?? listed.hosts.some(({ port }) => port === 443)))
    return undefined;
  const told = plainTls(serverName.result, upstream, ["spec", "static"]);
  return { ...told, findings: [...told.findings, ...serverName.findings] };
}

/** Each host has a name of its own in Gloo; here the first speaks for all. */
function serverNameOf({ object, value, writtenPath }: Upstream): Told<string | undefined> {
  const { static: listed } = value.spec;
  if (listed === undefined) return { result: undefined, findings: [] };
  const names = listed.hosts
    .map(({ addr, sniAddr }) => (sniAddr === "" && listed.autoSniRewrite ? addr : sniAddr))
    .filter((name) => name !== "" && parseIp(name) === undefined);
  const path: FieldPath = writtenPath(["spec", "static", "hosts"]);
  const findings: FindingDraft[] = [];
  if (new Set(names).size > 1) {
    findings.push(
      draftFinding("field-approximated", object, path, {
        message: `all hosts are asked for a certificate for ${names[0]}`,
        expected: "hosts of one name",
        hint: "write an Upstream for each name",
      }),
    );
  }
  return { result: names[0], findings };
}

function settingsOf(value: Value["spec"]): BackendSettings {
  const { healthChecks, loadBalancerConfig, outlierDetection, proxyProtocolVersion } = value;
  const checks = healthChecks.map(healthCheck).filter((check) => check !== undefined);
  const warmup = loadBalancerConfig && slowStart(loadBalancerConfig);
  const panic = loadBalancerConfig?.healthyPanicThreshold;
  return {
    ...connectionSettings(value.connectionConfig, value.circuitBreakers),
    ...(checks.length === 0 ? {} : { healthChecks: checks }),
    ...(outlierDetection === undefined ? {} : { outlierDetection: outlierSettings(outlierDetection) }),
    ...(panic === undefined ? {} : { panicThresholdPercent: panic }),
    ...(proxyProtocolVersion === undefined
      ? {}
      : { proxyProtocol: proxyProtocolVersion === "V1" ? "v1" : "v2" }),
    ...(warmup === undefined ? {} : { slowStart: warmup }),
  };
}
