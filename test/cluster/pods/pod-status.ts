// The status of a pod, from the states of its containers, as a kubelet reports it.
import type { Container } from "./container.ts";
import { now } from "./container.ts";
import type { Pod } from "./pod.ts";

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False";
  readonly lastTransitionTime: string;
  readonly reason?: string;
}

export interface PodFacts {
  readonly pod: Pod;
  readonly hostAddress: string;
  /** Undefined: not placed yet. */
  readonly address: string | undefined;
  readonly startTime: string;
  readonly initialized: boolean;
  readonly initContainers: readonly Container[];
  readonly containers: readonly Container[];
  readonly isReady: (container: Container) => boolean;
  /** Its last conditions, whose times stay where nothing changed. */
  readonly before: readonly Condition[];
}

export interface PodStatus {
  readonly phase: string;
  readonly conditions: readonly Condition[];
  readonly [field: string]: unknown;
}

export function podStatus(facts: PodFacts): PodStatus {
  const { containers, address, isReady } = facts;
  const phase = phaseOf(facts);
  const ready = containers.length > 0 && phase === "Running" && containers.every(isReady);
  const why = ready ? undefined : phase === "Succeeded" ? "PodCompleted" : "ContainersNotReady";
  const condition = (type: string, holds: boolean, reason?: string): Condition => {
    const status = holds ? "True" : "False";
    const last = facts.before.find((candidate) => candidate.type === type);
    const lastTransitionTime = last?.status === status ? last.lastTransitionTime : now();
    return { type, status, lastTransitionTime, ...(reason !== undefined && { reason }) };
  };
  return {
    phase,
    conditions: [
      condition("PodScheduled", true),
      condition("Initialized", facts.initialized, facts.initialized ? undefined : "ContainersNotInitialized"),
      condition("ContainersReady", ready, why),
      condition("Ready", ready, why),
    ],
    hostIP: facts.hostAddress,
    hostIPs: [{ ip: facts.hostAddress }],
    ...(address !== undefined && { podIP: address, podIPs: [{ ip: address }] }),
    startTime: facts.startTime,
    initContainerStatuses: facts.initContainers.map((container) =>
      containerStatus(container, container.finished),
    ),
    containerStatuses: containers.map((container) => containerStatus(container, isReady(container))),
  };
}

function phaseOf({ initContainers, containers }: PodFacts): string {
  const failed = (container: Container) =>
    container.finished && "terminated" in container.state && container.state.terminated.exitCode !== 0;
  if (initContainers.some(failed)) return "Failed";
  if (containers.length > 0 && containers.every((container) => container.finished))
    return containers.some(failed) ? "Failed" : "Succeeded";
  const begun = containers.every(
    (container) => !("waiting" in container.state) || container.lastState !== undefined,
  );
  return containers.length > 0 && begun ? "Running" : "Pending";
}

function containerStatus(container: Container, ready: boolean) {
  const { spec, state, lastState = {}, restarts, pid } = container;
  return {
    name: spec.name,
    image: spec.image,
    imageID: `process:${spec.image}`,
    ...(pid !== undefined && { containerID: `process://${pid}` }),
    ready,
    started: container.running,
    restartCount: restarts,
    state,
    lastState,
  };
}
