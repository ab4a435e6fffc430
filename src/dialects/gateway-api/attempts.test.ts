// What a rule says of timeouts and retries, together with what policies say.
import { expect, test } from "vitest";
import type { Retry } from "../../model/index.ts";
import { type AttemptsValue, attemptsOf, retrySchema, timeoutsSchema } from "./attempts.ts";

const policyRetry: Retry = {
  attempts: 4,
  statusCodes: [503],
  onConnectionError: false,
  onTimeout: false,
  baseBackoffMs: 25,
  maxBackoffMs: 250,
};

function value(written: { timeouts?: object; retry?: object }): AttemptsValue {
  return {
    timeouts: written.timeouts === undefined ? undefined : timeoutsSchema.parse(written.timeouts),
    retry: written.retry === undefined ? undefined : retrySchema.parse(written.retry),
  };
}

test("what the rule does not say, policies say", () => {
  const policies = { timeouts: { requestMs: 9000, backendRequestMs: 3000 }, retry: policyRetry };
  expect(attemptsOf(value({}), policies)).toEqual(policies);
  expect(attemptsOf(value({ timeouts: { backendRequest: "1s" } }), policies)).toEqual({
    timeouts: { requestMs: 9000, backendRequestMs: 1000 },
    retry: policyRetry,
  });
});

test("a timeout of 0s in the rule lifts that of a policy", () => {
  const policies = { timeouts: { requestMs: 9000 } };
  expect(attemptsOf(value({ timeouts: { request: "0s" } }), policies)).toEqual({});
});

test("a timeout of 0 at a narrow target is no timeout of the rule", () => {
  expect(attemptsOf(value({}), { timeouts: { requestMs: 0, backendRequestMs: 50 } })).toEqual({
    timeouts: { backendRequestMs: 50 },
  });
});

test("the rule's retries stand alone, and may be none", () => {
  const { retry } = attemptsOf(value({ retry: { codes: [500], backoff: "1s" } }), { retry: policyRetry });
  expect(retry).toEqual({
    attempts: 1,
    statusCodes: [500],
    onConnectionError: true,
    onTimeout: true,
    baseBackoffMs: 1000,
    maxBackoffMs: 10_000,
    minBackoffMs: 1000,
  });
  // `attempts: 0` is read, with a finding, for the sake of what Gateway API 1.5 and before took.
  const none = attemptsOf({ timeouts: undefined, retry: { codes: [], attempts: 0 } }, { retry: policyRetry });
  expect(none).toEqual({});
});
