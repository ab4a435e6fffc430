// Test runner settings: what opens ports or spawns gateways has a process for each file, so that nobody disturbs another.
import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

/** What keeps to itself: its files share processes, which saves most of their time. */
const ALONE = ["src/**/*.test.ts", "test/{affinity,architecture,crd,telemetry}/**/*.test.ts"];

export default defineConfig({
  test: {
    pool: "forks",
    // All cores: most of the time is spent waiting for processes and clocks.
    maxWorkers: "100%",
    projects: [
      { extends: true, test: { name: "alone", include: ALONE, isolate: false } },
      {
        extends: true,
        test: {
          name: "processes",
          include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
          exclude: [
            ...ALONE,
            "test/cluster/**",
            "test/envoy/**",
            "test/kubernetes/**",
            "test/shell/**",
            "test/long/**",
            "test/mcp/**",
            "test/peers/**",
            "**/node_modules/**",
          ],
        },
      },
    ],
    // A gateway is two processes that start from the sources: compiled once, not a hundred times.
    env: { NODE_COMPILE_CACHE: resolve(import.meta.dirname, ".cache/compiled") },
    // Of itself it gives up after a second, and a machine that others use as well stands still for longer now and then.
    expect: { poll: { timeout: 15_000 } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
