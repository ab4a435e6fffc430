// Writes samples as text that Prometheus reads.
import { type MetricObjectWithValues, type MetricValueWithName, Registry } from "@prometheus-io/client";
import { METRICS, type MetricKind, type MetricName, type MetricSample } from "./metrics.ts";

/** The content type that goes with `renderMetrics`. */
export const METRICS_CONTENT_TYPE = new Registry().contentType;

/**
 * Text in Prometheus' exposition format. Samples of one name and the same labels are summed, which is how the numbers
 * of several workers become one. Throws on a name or a set of labels that the table does not have: that is a defect.
 */
export async function renderMetrics(samples: readonly MetricSample[]): Promise<string> {
  const values = new Map<MetricName, MetricValueWithName<string>[]>();
  for (const sample of samples) {
    const name = knownName(sample);
    const list = values.get(name);
    const lines = linesOf(name, sample);
    if (list === undefined) values.set(name, lines);
    else list.push(...lines);
  }
  const metrics = [...values].map(([name, list]) => metricObject(name, list));
  return Registry.aggregate([metrics]).metrics();
}

function knownName(sample: MetricSample): MetricName {
  if (!Object.hasOwn(METRICS, sample.name)) throw new Error(`metric ${sample.name} is not in the table`);
  const name = sample.name as MetricName;
  const expected = METRICS[name].labels;
  const labels = Object.keys(sample.labels);
  if (labels.length !== expected.length || !expected.every((label) => label in sample.labels)) {
    throw new Error(`metric ${name} has the labels ${expected.join(", ")}, not ${labels.join(", ")}`);
  }
  return name;
}

/** A histogram is a line for each bucket, where each counts those below it too, one for the sum and one for the count. */
function linesOf(
  name: MetricName,
  { labels, value, histogram }: MetricSample,
): MetricValueWithName<string>[] {
  if (histogram === undefined) return [{ labels: { ...labels }, value }];
  const { buckets = [] }: MetricKind = METRICS[name];
  let below = 0;
  const lines = histogram.counts.map((count, index) => {
    below += count;
    return {
      metricName: `${name}_bucket`,
      labels: { ...labels, le: buckets[index] ?? "+Inf" },
      value: below,
    };
  });
  return [
    ...lines,
    { metricName: `${name}_sum`, labels: { ...labels }, value: histogram.sum },
    { metricName: `${name}_count`, labels: { ...labels }, value },
  ];
}

function metricObject(
  name: MetricName,
  values: MetricValueWithName<string>[],
): MetricObjectWithValues<MetricValueWithName<string>> {
  const { type, help } = METRICS[name];
  return { name, type, help, aggregator: "sum", collect: () => {}, values };
}
