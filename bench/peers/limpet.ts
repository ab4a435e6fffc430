// Limpet as a user runs it: `limpet run` of the built package, one worker, reloaded by signal like the others.
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { HASH_HEADER, type Peer, SESSION_COOKIE, type Setup } from "../peer.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const BIN = join(ROOT, "dist/cli/bin.js");

function listener({ port, tls }: Setup): string {
  if (tls === undefined) return `{name: http, protocol: HTTP, port: ${port}}`;
  return `{name: https, protocol: HTTPS, port: ${port}, tls: {certificateRefs: [{name: bench}]}}`;
}

function secret({ tls }: Setup): string {
  if (tls === undefined) return "";
  const [certificate, privateKey] = [tls.certificate, tls.privateKey].map((file) =>
    readFileSync(file, "base64"),
  );
  return `---
apiVersion: v1
kind: Secret
type: kubernetes.io/tls
metadata: {name: bench}
data: {tls.crt: ${certificate}, tls.key: ${privateKey}}
`;
}

function edge(setup: Setup): string {
  const slices = setup.endpoints.map(
    (port, index) => `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: origin-${index}, labels: {kubernetes.io/service-name: origin}}
addressType: IPv4
ports: [{name: http, port: ${port}}]
endpoints: [{addresses: ["127.0.0.1"], conditions: {ready: true}}]
`,
  );
  return `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: limpet
  listeners: [${listener(setup)}]
---
apiVersion: v1
kind: Service
metadata: {name: origin}
spec: {ports: [{name: http, port: 80}]}
${slices.join("")}`;
}

const HASH_POLICY = `---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: BackendTrafficPolicy
metadata: {name: hash}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge}]
  loadBalancer: {type: ConsistentHash, consistentHash: {type: Headers, headers: [{name: ${HASH_HEADER}}]}}
`;

function route(name: string, hostname: string | undefined, setup: Setup): string {
  const session =
    setup.affinity === "hash"
      ? ""
      : `\n      sessionPersistence: {sessionName: ${SESSION_COOKIE}, type: Cookie}`;
  return `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: ${name}}
spec:
  parentRefs: [{name: edge}]${hostname === undefined ? "" : `\n  hostnames: [${hostname}]`}
  rules:
    - backendRefs: [{name: origin, port: 80}]${session}
`;
}

function configuration(setup: Setup): string {
  const routes =
    setup.hostnames.length === 0
      ? [route("all", undefined, setup)]
      : setup.hostnames.map((hostname, index) => route(`r${index}`, hostname, setup));
  return edge(setup) + secret(setup) + (setup.affinity === "hash" ? HASH_POLICY : "") + routes.join("");
}

export const limpet: Peer = {
  name: "Limpet",
  locate() {
    if (!existsSync(BIN)) return { missing: "npm run build" };
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
    return { command: process.execPath, version };
  },
  write(setup, folder) {
    writeFileSync(join(folder, "limpet.yaml"), configuration(setup));
    if (setup.affinity !== "sealed") return;
    writeFileSync(join(folder, "keys"), `${randomBytes(32).toString("base64")}\n`, { mode: 0o600 });
  },
  args: ({ affinity, workers }, folder) => [
    BIN,
    "run",
    "-f",
    join(folder, "limpet.yaml"),
    "--no-watch",
    "--listen-address",
    "127.0.0.1",
    "--admin",
    "off",
    "--access-log",
    "off",
    "--log-level",
    "error",
    "--workers",
    String(workers),
    ...(affinity === "sealed" ? ["--session-keys", join(folder, "keys")] : []),
  ],
  reload(_setup, _folder, child) {
    child.kill("SIGHUP");
  },
};
