// Test runner settings of `npm run test:mcp`: the official MCP SDK, which test/mcp has as a package of its own.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/mcp/*.test.ts"],
    pool: "forks",
    expect: { poll: { timeout: 15_000 } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
