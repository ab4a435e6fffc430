// BackendTLSPolicies in files, and a real nginx that they are about: who is believed, what it is asked for, what it is shown.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeAuthority } from "../support/certificates.ts";
import { send } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import {
  authorities,
  certificateSecret,
  documents,
  edge,
  route,
  tlsService,
} from "../support/tls-manifests.ts";
import { startNginx } from "./nginx.ts";

const inside = makeAuthority({ name: "Inside" });
const outside = makeAuthority({ name: "Outside" });
const gateways = makeAuthority({ name: "Gateways" });

const SERVERS = [
  { name: "fallback.inside", certificate: inside.issue({ names: ["fallback.inside"] }) },
  { name: "shop.inside", certificate: inside.issue({ names: ["shop.inside"] }) },
  { name: "a.wild.inside", certificate: inside.issue({ names: ["*.wild.inside"] }) },
  {
    name: "workload.inside",
    certificate: inside.issue({ uris: ["spiffe://inside/shop"], commonName: "workload" }),
  },
  { name: "address.inside", certificate: inside.issue({ ips: ["127.0.0.1"] }) },
  { name: "named-only.inside", certificate: inside.issue({ commonName: "named-only.inside" }) },
  { name: "foreign.inside", certificate: outside.issue({ names: ["foreign.inside"] }) },
  { name: "client.inside", certificate: inside.issue({ names: ["client.inside"], client: true }) },
  {
    name: "expired.inside",
    certificate: inside.issue({
      names: ["expired.inside"],
      notBefore: new Date("2020-01-01"),
      notAfter: new Date("2021-01-01"),
    }),
  },
  {
    name: "early.inside",
    certificate: inside.issue({ names: ["early.inside"], notBefore: new Date("2090-01-01") }),
  },
  {
    name: "strict.inside",
    certificate: inside.issue({ names: ["strict.inside"] }),
    clients: gateways.certificate,
  },
];

const caCertificateRefs = [{ group: "", kind: "ConfigMap", name: "inside" }];
const trusting = (hostname: string, more: object = {}) => ({ hostname, caCertificateRefs, ...more });
const named = (hostname: string) => ({ type: "Hostname", hostname });

/** `spec.validation` of a policy -> what is asked for in the end; undefined: nothing, 503. */
const POLICIES: readonly (readonly [string, object, string | undefined])[] = [
  ["the name", trusting("shop.inside"), "shop.inside"],
  ["a wildcard", trusting("a.wild.inside"), "a.wild.inside"],
  ["a name that the certificate does not have", trusting("third.inside"), undefined],
  ["another name", trusting("third.inside", { subjectAltNames: [named("fallback.inside")] }), "third.inside"],
  [
    "one of two names",
    trusting("shop.inside", { subjectAltNames: [named("x.inside"), named("shop.inside")] }),
    "shop.inside",
  ],
  [
    "another name in place of its own",
    trusting("shop.inside", { subjectAltNames: [named("x.inside")] }),
    undefined,
  ],
  [
    "a URI",
    trusting("workload.inside", { subjectAltNames: [{ type: "URI", uri: "spiffe://inside/shop" }] }),
    "workload.inside",
  ],
  [
    "another URI",
    trusting("workload.inside", { subjectAltNames: [{ type: "URI", uri: "spiffe://inside/x" }] }),
    undefined,
  ],
  ["a certificate for an address", trusting("address.inside"), undefined],
  ["a name in the subject alone", trusting("named-only.inside"), undefined],
  ["a certificate of another authority", trusting("foreign.inside"), undefined],
  [
    "the authorities of the system",
    { hostname: "shop.inside", wellKnownCACertificates: "System" },
    undefined,
  ],
  ["a client's certificate", trusting("client.inside"), undefined],
  ["a certificate that is expired", trusting("expired.inside"), undefined],
  ["a certificate that is not valid yet", trusting("early.inside"), undefined],
];

/** Behind those in the table: its server demands a certificate. */
const STRICT = POLICIES.length;
/** The same, with active checks. */
const CHECKED = STRICT + 1;

/** Nobody serves who fails them. */
const CHECKS = {
  panicThreshold: 0,
  active: {
    type: "HTTP",
    interval: "50ms",
    timeout: "1s",
    http: { path: "/", hostname: "strict.inside", expectedStatuses: [200] },
  },
};

let nginx: Awaited<ReturnType<typeof startNginx>>;
let gateway: Gateway;
let port: number;

const certificates = (own = gateways.issue({ names: ["edge.inside"], client: true })) =>
  documents(authorities("inside", inside.certificate), certificateSecret("own", own));

beforeAll(async () => {
  nginx = await startNginx({ servers: SERVERS });
  port = await freePort();
  const all = [...POLICIES.map(([, validation]) => validation), trusting("strict.inside")];
  const rule = (index: number) => ({
    matches: [{ headers: [{ name: "x-policy", value: String(index) }] }],
    backendRefs: [{ name: `service-${index}`, port: 443 }],
  });
  const objects = [
    edge([{ name: "http", port, protocol: "HTTP" }], { backend: { clientCertificateRef: { name: "own" } } }),
    ...all.flatMap((validation, index) =>
      tlsService({ name: `service-${index}`, endpointPorts: [nginx.port], validation }),
    ),
    route("all", [...all.keys()].map(rule)),
    route("checked", [{ ...rule(CHECKED), backendRefs: [{ name: `service-${STRICT}`, port: 443 }] }]),
    {
      apiVersion: "gateway.envoyproxy.io/v1alpha1",
      kind: "BackendTrafficPolicy",
      metadata: { name: "checked" },
      spec: {
        targetRefs: [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: "checked" }],
        healthCheck: CHECKS,
      },
    },
  ];
  const files = { "all.yaml": documents(...objects), "certificates.yaml": certificates() };
  gateway = await startGateway({ files });
});

afterAll(async () => {
  await gateway.stop();
  await nginx.stop();
});

async function ask(policy: number): Promise<string> {
  // nginx wants the certificate that the server of the host wants, whichever the connection was made for.
  const host = policy >= STRICT ? "strict.inside" : "fallback.inside";
  const { status, body } = await send(port, { headers: { "x-policy": String(policy), host } });
  return `${status} ${body.trim()}`;
}

describe("nginx is verified for", () => {
  test.each(POLICIES.map(([what, , asked], index) => [what, asked, index] as const))(
    "%s",
    async (_, asked, index) => {
      const answer = await ask(index);
      if (asked === undefined) expect(answer).toMatch(/^503 .*upstream-tls/);
      else expect(answer).toMatch(new RegExp(`^200 ${asked.replaceAll(".", "\\.")} TLSv1\\.3 `));
    },
  );

  test("each request over again", async () => {
    const refused = POLICIES.findIndex(([, , asked]) => asked === undefined);
    for (let count = 0; count < 5; count++) expect(await ask(refused)).toContain("upstream-tls");
    const line = await gateway.waitForAccess(({ error }) => error === "upstream-tls");
    expect(line.upstream_addr).toBe(`127.0.0.1:${nginx.port}`);
  });
});

test("checks show the gateway's certificate, as requests do", async () => {
  expect(await ask(CHECKED)).toMatch(/^200 strict\.inside TLSv1\.3 CN=edge\.inside/);
});

describe("what changes in files counts for new connections", () => {
  test("the certificate that the gateway shows", async () => {
    expect(await ask(STRICT)).toMatch(/^200 strict\.inside TLSv1\.3 CN=edge\.inside/);
    gateway.write(
      "certificates.yaml",
      certificates(outside.issue({ names: ["foreign.inside"], client: true })),
    );
    expect(
      await eventually(
        () => ask(STRICT),
        (answer) => answer.startsWith("400"),
      ),
    ).toContain("The SSL certificate error");
    gateway.write(
      "certificates.yaml",
      certificates(gateways.issue({ names: ["renewed.inside"], client: true })),
    );
    expect(
      await eventually(
        () => ask(STRICT),
        (answer) => answer.startsWith("200"),
      ),
    ).toContain("CN=renewed.inside");
  });

  test("the authorities that it trusts", async () => {
    expect(await ask(0)).toMatch(/^200/);
    const own = certificateSecret("own", gateways.issue({ names: ["edge.inside"], client: true }));
    gateway.write("certificates.yaml", documents(authorities("inside", outside.certificate), own));
    await eventually(
      () => ask(0),
      (answer) => answer.startsWith("503"),
    );
    gateway.write(
      "certificates.yaml",
      documents(authorities("inside", outside.certificate + inside.certificate), own),
    );
    await eventually(
      () => ask(0),
      (answer) => answer.startsWith("200"),
    );
  });
});
