// Tests of the registry of errors; how answers look is tested with the pipeline.
import { expect, test } from "vitest";
import { REFUSAL_STATUS } from "./http1/message-error.ts";
import { ProxyError } from "./proxy-error.ts";
import { answerForError, answerForFailure, answerForRule, ERRORS } from "./respond.ts";

test("the codec refuses with the statuses of the registry", () => {
  for (const [code, status] of Object.entries(REFUSAL_STATUS))
    expect(ERRORS).toHaveProperty([code, "status"], status);
});

test("texts are sentences and say nothing of the inside", () => {
  for (const { text } of Object.values(ERRORS)) {
    expect(text).toMatch(/^[A-Z].*\.$/);
    expect(text).not.toMatch(/\d+\.\d+\.\d+\.\d+|undefined|Error/);
  }
});

test("a code that the registry does not know is answered by its side", () => {
  const statuses = (["downstream", "upstream", "internal"] as const).map(
    (side) => answerForError(new ProxyError("toString", side, "test")).status,
  );
  expect(statuses).toEqual([400, 502, 500]);
});

test("a rejected session and a rule that answers bring their own status", () => {
  expect(answerForFailure({ code: "session-rejected", status: 410 })).toMatchObject({ status: 410 });
  expect(answerForRule(501)).toMatchObject({ code: "rule-in-error", status: 501 });
});
