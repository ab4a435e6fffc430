// Test runner settings of `npm run test:kubernetes`: what needs a cluster, inside of the namespaces that clusters live in.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/kubernetes/**/*.test.ts", "test/cluster/**/*.test.ts"],
    pool: "forks",
    // A cluster needs both cores of a small machine.
    fileParallelism: false,
    expect: { poll: { timeout: 15_000 } },
    testTimeout: 240_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
  },
});
