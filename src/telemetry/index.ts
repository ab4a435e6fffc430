// Telemetry's surface: the log, and the numbers.
export * from "./logger.ts";
export * from "./metrics.ts";
