// Test runner settings of `npm run test:envoy`: what needs a real Envoy, which the tests install by themselves.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/envoy/**/*.test.ts"],
    pool: "forks",
    fileParallelism: false,
    expect: { poll: { timeout: 15_000 } },
    testTimeout: 60_000,
    hookTimeout: 180_000,
  },
});
