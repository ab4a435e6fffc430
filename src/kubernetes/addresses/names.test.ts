// That every Gateway has a Service name of its own which the API takes.
import fc from "fast-check";
import { expect, test } from "vitest";
import { labelValue, serviceName } from "./names.ts";

test.each([
  ["edge", "edge-limpet"],
  ["edge.shop", /^edge-shop-[0-9a-f]{12}-limpet$/],
  ["9lives", /^gw-9lives-[0-9a-f]{12}-limpet$/],
  ["a".repeat(253), /^a{43}-[0-9a-f]{12}-limpet$/],
])("the Service of %s", (gateway, expected) => {
  if (typeof expected === "string") expect(serviceName(gateway)).toBe(expected);
  else expect(serviceName(gateway)).toMatch(expected);
});

const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$/);
const gatewayName = fc
  .array(label, { minLength: 1, maxLength: 6 })
  .map((labels) => labels.join("."))
  .filter((name) => name.length <= 253);

test("names are DNS labels, and those of two Gateways differ", () => {
  fc.assert(
    fc.property(gatewayName, gatewayName, (one, two) => {
      for (const name of [serviceName(one), serviceName(two)]) {
        expect(name).toMatch(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
      }
      expect(labelValue(one)).toMatch(/^[a-z0-9]([-.a-z0-9]{0,61}[a-z0-9])?$/);
      if (one !== two) expect(serviceName(one)).not.toBe(serviceName(two));
    }),
  );
});
