// Telemetry's surface: the log, and the numbers.
export * from "./histogram.ts";
export * from "./logger.ts";
export * from "./metrics.ts";
export * from "./process-vitals.ts";
export * from "./render-metrics.ts";
