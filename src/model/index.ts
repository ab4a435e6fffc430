// The model's surface: one import for every folder that works on a snapshot.
export * from "./affinity.ts";
export * from "./backend.ts";
export * from "./endpoint.ts";
export * from "./filter.ts";
export * from "./finding.ts";
export * from "./finding-codes.ts";
export * from "./head.ts";
export * from "./health.ts";
export * from "./ip-address.ts";
export * from "./listener.ts";
export * from "./object-ref.ts";
export * from "./regex.ts";
export * from "./route.ts";
export * from "./snapshot.ts";
export * from "./snapshot-delta.ts";
export * from "./status.ts";
export * from "./tls.ts";
