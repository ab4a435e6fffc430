// Test runner settings of `npm run test:shell`: the tutorials' own shell pipelines, which need bash, curl, grep and awk.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/shell/**/*.test.ts"],
    pool: "forks",
    expect: { poll: { timeout: 15_000 } },
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
