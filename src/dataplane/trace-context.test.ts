// Which texts are a traceparent, by W3C Trace Context.
import { expect, test } from "vitest";
import { traceIdOf } from "./trace-context.ts";

const ID = "0af7651916cd43dd8448eb211c80319c";

test.each([
  [`00-${ID}-b7ad6b7169203331-01`, ID],
  [`01-${ID}-b7ad6b7169203331-01`, ID],
  [`01-${ID}-b7ad6b7169203331-01-more`, ID],
  [`00-${ID}-b7ad6b7169203331-01-more`, undefined],
  [`ff-${ID}-b7ad6b7169203331-01`, undefined],
  [`00-${ID.toUpperCase()}-b7ad6b7169203331-01`, undefined],
  [`00-${"0".repeat(32)}-b7ad6b7169203331-01`, undefined],
  [`00-${ID}-${"0".repeat(16)}-01`, undefined],
  [`00-${ID}-b7ad6b7169203331`, undefined],
  [`01-${ID}-b7ad6b7169203331-01more`, undefined],
  [undefined, undefined],
])("%s", (traceparent, traceId) => {
  expect(traceIdOf(traceparent)).toBe(traceId);
});
