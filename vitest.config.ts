// Test runner settings: one process per file, so that a test that opens ports or spawns gateways cannot disturb another.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts", "examples/**/*.test.ts"],
    exclude: [
      "test/envoy/**",
      "test/shell/**",
      "test/long/**",
      "test/peers/**",
      "test/mcp/**",
      "**/node_modules/**",
      "dist/**",
    ],
    pool: "forks",
    // All cores: most of the time is spent waiting for processes and clocks.
    maxWorkers: "100%",
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
