// Test runner settings of `npm run test:peers`: what needs real programs at the other end, such as nginx, HAProxy or openssl.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/peers/**/*.test.ts"],
    pool: "forks",
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
