// Rollouts under traffic: endpoints are replaced, gateways restart and keys rotate, and no session is lost on the way.
import { expect, test } from "vitest";
import { type RolloutReport, rollOut } from "../rollout/rollout.ts";

/** The first takes 40 s where nobody else works. */
const TIMEOUT_MS = 240_000;

/** Prints what was counted, for whoever reads the log of a run. */
function tell(name: string, { counts, logged }: RolloutReport): void {
  process.stdout.write(`${name}: ${JSON.stringify({ ...counts, logged })}\n`);
}

test("10,000 sessions go through a rollout of 6 endpoints and 3 gateways: none is moved while its endpoint lives", {
  timeout: TIMEOUT_MS,
}, async () => {
  const report = await rollOut({
    gateways: 3,
    replicas: 6,
    replacements: 6,
    restarts: 1,
    sessions: 10_000,
    newcomers: 100,
    onLost: "reassign",
    say: () => {},
  });
  tell("rollout", report);
  const { counts, logged, failures } = report;
  expect(failures).toEqual([]);
  expect(counts).toMatchObject({ endpointsReplaced: 6, gatewayRestarts: 3, sessions: 11_200, rejected: 0 });
  // All six that there were at the beginning have gone, so everybody who was there has moved.
  expect(counts.moved).toBeGreaterThanOrEqual(10_000);
  expect(counts.keptWhileDraining).toBeGreaterThan(1_000);
  // What the clients saw is what the gateways logged: nothing expired, was invalid, or failed unseen.
  expect(logged).toEqual({
    "new 200 -": counts.sessions,
    "kept 200 -": counts.kept,
    "moved 200 -": counts.moved,
  });
});

test("sessions that may not move never do: once their endpoint is gone they get the status, and begin anew", {
  timeout: TIMEOUT_MS,
}, async () => {
  const report = await rollOut({
    gateways: 3,
    replicas: 3,
    replacements: 2,
    restarts: 1,
    sessions: 2_000,
    newcomers: 50,
    onLost: 410,
    say: () => {},
  });
  tell("strict rollout", report);
  const { counts, logged, failures } = report;
  expect(failures).toEqual([]);
  expect(counts).toMatchObject({ endpointsReplaced: 2, gatewayRestarts: 3, moved: 0 });
  expect(counts.rejected).toBeGreaterThan(500);
  expect(counts.sessions).toBe(2_200 + counts.rejected);
  expect(logged).toEqual({
    "new 200 -": counts.sessions,
    "kept 200 -": counts.kept,
    "rejected 410 session-rejected": counts.rejected,
  });
});
