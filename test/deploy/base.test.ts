// Holds deploy/base to the program that it starts: its flags, its times, its version, and the rights that it needs.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { addFlags, readFlags } from "../../src/cli/flag-options.ts";
import { RUN_FLAGS } from "../../src/cli/flags.ts";
import { BIND_PORTS } from "../../src/kubernetes/addresses/bind-ports.ts";

const ROOT = resolve(import.meta.dirname, "../..");

// biome-ignore lint/suspicious/noExplicitAny: what a test reads of a manifest, it expects to be there.
function manifest(path: string): any {
  return parse(readFileSync(join(ROOT, "deploy", path), "utf8"));
}

const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
const deployment = manifest("base/deployment.yaml");
const pod = deployment.spec.template.spec;
const [container] = pod.containers;

/** What `limpet run` reads of the container's arguments. */
function flagsOf(args: readonly string[]) {
  const [name, ...rest] = args;
  const command = new Command(name).exitOverride().configureOutput({ writeErr: () => {} });
  addFlags(command, RUN_FLAGS);
  command.parse(rest, { from: "user" });
  return readFlags(command, RUN_FLAGS);
}

describe("the Deployment", () => {
  test("runs `limpet run --kubernetes`, with an admin port for probes", () => {
    const { admin, ...flags } = flagsOf(container.args);
    expect(container.args[0]).toBe("run");
    expect(flags).toMatchObject({ kubernetes: true, workers: 2 });
    const [port] = container.ports;
    expect(admin).toEqual({ host: "::", port: port.containerPort });
    for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"])
      expect(container[probe].httpGet.port).toBe(port.name);
    expect(deployment.spec.template.metadata.annotations["prometheus.io/port"]).toBe(`${port.containerPort}`);
  });

  test("leaves the time that draining takes, and serves for as long as it accepts clients", () => {
    const { drainDelay, drainTimeout } = flagsOf(container.args);
    expect(pod.terminationGracePeriodSeconds * 1000).toBeGreaterThan(drainDelay + drainTimeout + 5_000);
    const { periodSeconds, failureThreshold } = container.readinessProbe;
    // The first failure may come at once.
    expect((failureThreshold - 1) * periodSeconds * 1000).toBeGreaterThanOrEqual(drainDelay);
  });

  test("is what the restricted Pod Security Standard allows, on a root file system that nobody writes", () => {
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(pod.hostNetwork).toBeUndefined();
    const { metadata } = manifest("base/namespace.yaml");
    expect(metadata.labels["pod-security.kubernetes.io/enforce"]).toBe("restricted");
  });

  test("never has fewer replicas than stay when one goes", () => {
    const { minReplicas } = manifest("base/horizontal-pod-autoscaler.yaml").spec;
    expect(minReplicas).toBeGreaterThan(manifest("base/pod-disruption-budget.yaml").spec.maxUnavailable);
    expect(deployment.spec.strategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 });
  });
});

test("the NetworkPolicy lets in who asks the admin port, and clients of all ports that listeners get", () => {
  const { ingress, policyTypes } = manifest("base/network-policy.yaml").spec;
  const [admin, listeners] = ingress;
  expect(policyTypes).toEqual(["Ingress"]);
  expect(admin).toEqual({ ports: [{ port: container.ports[0].name }] });
  expect(listeners).toEqual({ ports: [{ port: BIND_PORTS.first, endPort: BIND_PORTS.last }] });
  expect(ingress).toHaveLength(2);
});

test("image, chart and package have one version", () => {
  const [image] = manifest("base/kustomization.yaml").images;
  expect(image).toEqual({ name: container.image, newTag: version });
  const chart = manifest("helm/limpet/Chart.yaml");
  expect([chart.version, chart.appVersion]).toEqual([version, version]);
});
