// The manifests as kustomize and Helm make them: both have to come to the same objects.
import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { parseAllDocuments } from "yaml";
import type { KubernetesObject } from "../../src/kubernetes/api/client.ts";
import { startCluster } from "../cluster/cluster.ts";
import { installPrograms } from "../cluster/install/programs.ts";
import { installHelm } from "../deploy/helm.ts";
import { codeBlock } from "../support/markdown-blocks.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const DEPLOY = join(ROOT, "deploy");
/** The chart's is made by `helm install --create-namespace`. */
const NAMESPACE = "Namespace/limpet-system";

let kubectl: string;
let helm: string;

beforeAll(async () => {
  const silent = () => {};
  ({ kubectl } = await installPrograms(silent));
  helm = await installHelm(silent);
}, 1_200_000);

type Objects = Readonly<Record<string, KubernetesObject>>;

function byName(text: string): Objects {
  const objects = parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);
  return Object.fromEntries(
    objects.map((one) => [
      [one.kind, one.metadata.namespace, one.metadata.name].filter(Boolean).join("/"),
      one,
    ]),
  );
}

function kustomized(folder: string): Objects {
  return byName(execFileSync(kubectl, ["kustomize", join(DEPLOY, folder)], { encoding: "utf8" }));
}

function templated(...values: readonly string[]): Objects {
  const settings = values.flatMap((value) => ["--set", value]);
  const args = ["template", "limpet", join(DEPLOY, "helm/limpet"), "--namespace", "limpet-system"];
  return byName(execFileSync(helm, [...args, "--include-crds", ...settings], { encoding: "utf8" }));
}

function without(objects: Objects, ...names: readonly string[]): Objects {
  return Object.fromEntries(Object.entries(objects).filter(([name]) => !names.includes(name)));
}

// biome-ignore lint/suspicious/noExplicitAny: what a test reads of a manifest, it expects to be there.
function podOf(objects: Objects): any {
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  return (objects["Deployment/limpet-system/limpet"] as any).spec.template.spec;
}

test("the chart with its own values is the kustomize base", () => {
  const base = kustomized("base");
  expect(without(base, NAMESPACE)).toEqual(templated());
  expect(Object.keys(base)).toEqual(
    expect.arrayContaining([
      NAMESPACE,
      "CustomResourceDefinition/affinitypolicies.limpet.dev",
      "ClusterRole/limpet",
      "GatewayClass/limpet",
      "Deployment/limpet-system/limpet",
      "HorizontalPodAutoscaler/limpet-system/limpet",
      "PodDisruptionBudget/limpet-system/limpet",
      "NetworkPolicy/limpet-system/limpet",
    ]),
  );
});

test("the chart with an address pool is the overlay for bare metal", () => {
  const chart = templated("addressPool={192.0.2.0/28}");
  expect(without(kustomized("bare-metal"), NAMESPACE)).toEqual(chart);
  expect(podOf(chart)).toMatchObject({ hostNetwork: true });
});

test("a number of replicas takes the place of the autoscaler", () => {
  const chart = templated("replicas=3");
  expect(chart["Deployment/limpet-system/limpet"]).toMatchObject({ spec: { replicas: 3 } });
  expect(Object.keys(chart)).not.toContain("HorizontalPodAutoscaler/limpet-system/limpet");
});

test("a longer drain gets a longer grace, and counts as serving for as long", () => {
  const pod = podOf(templated("drain.delay=32", "drain.timeout=3600"));
  expect(pod.terminationGracePeriodSeconds).toBe(32 + 3600 + 15);
  expect(pod.containers[0].readinessProbe).toMatchObject({ periodSeconds: 5, failureThreshold: 8 });
});

test("other values become arguments", () => {
  const values = [
    "serviceType=ClusterIP",
    "sessionKeysSecret=mine",
    "workers=4",
    "extraArgs={--trusted-hops=1}",
  ];
  expect(podOf(templated(...values)).containers[0].args).toEqual(
    expect.arrayContaining([
      "--gateway-service-type=ClusterIP",
      "--session-keys-secret=mine",
      "--workers=4",
      "--trusted-hops=1",
    ]),
  );
});

test("helm installs the chart as the document says, and its pods get ready", async () => {
  const cluster = await startCluster({ gatewayApi: "1.7.0" });
  onTestFinished(() => cluster.stop());
  const script = `helm() { ${helm} "$@"; }\ncd ${ROOT}\n${codeBlock("docs/kubernetes.md", "sh", "helm install")}`;
  const { code, stdout, stderr } = await cluster.run("bash", ["-euc", script]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("STATUS: deployed");
  await cluster.kubectl(["-n", "limpet-system", "rollout", "status", "deployment/limpet", "--timeout=120s"]);
  await cluster.kubectl(["wait", "--for=condition=Accepted", "gatewayclass/limpet", "--timeout=120s"]);
});
