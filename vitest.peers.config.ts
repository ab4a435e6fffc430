// Test runner settings of `npm run test:peers`: what needs real programs at the other end, such as nginx, HAProxy, openssl, curl or httpbin.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/peers/**/*.test.ts"],
    pool: "forks",
    // Most of the time is spent waiting for programs to start; each file has its own.
    maxWorkers: 2,
    expect: { poll: { timeout: 15_000 } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
