// What there is to measure about the watches of a cluster.
import type { MetricSample } from "../../telemetry/index.ts";
import type { Reflector } from "./reflector.ts";

type Watched = Pick<Reflector<unknown>, "counts" | "silentMs">;

export interface WatchedKindState {
  /** `httproutes.gateway.networking.k8s.io`. */
  readonly name: string;
  readonly objects: number;
  readonly reflector: Watched;
}

/** @param definitions the watch of CustomResourceDefinitions, of which nothing is kept */
export function watchSamples(
  kinds: readonly WatchedKindState[],
  definitions: Watched,
  isServerUp: boolean,
): MetricSample[] {
  return [
    { name: "limpet_kubernetes_api_server_up", labels: {}, value: isServerUp ? 1 : 0 },
    ...kinds.map(({ name, objects }) => sample("limpet_kubernetes_objects", { kind: name }, objects)),
    ...kinds.flatMap(({ name, reflector }) => ofWatch(name, reflector)),
    ...ofWatch("customresourcedefinitions.apiextensions.k8s.io", definitions),
  ];
}

function ofWatch(kind: string, { counts, silentMs }: Watched): MetricSample[] {
  const { lists, watches, failures } = counts;
  return [
    sample("limpet_kubernetes_lists_total", { kind }, lists),
    sample("limpet_kubernetes_watches_total", { kind }, watches),
    ...Array.from(failures, ([code, count]) => {
      return sample("limpet_kubernetes_watch_failures_total", { kind, code }, count);
    }),
    sample("limpet_kubernetes_watch_silent_seconds", { kind }, silentMs / 1000),
  ];
}

function sample(name: string, labels: Record<string, string>, value: number): MetricSample {
  return { name, labels, value };
}
