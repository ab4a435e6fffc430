// Misspelt names find their neighbour, and names that are merely different find none.
import { expect, test } from "vitest";
import { nearestName } from "./near-names.ts";

const FIELDS = ["backendRefs", "filters", "matches", "name", "sessionPersistence", "port", "PathPrefix"];

test.each([
  ["sessionPersistance", "sessionPersistence"],
  ["filter", "filters"],
  ["Name", "name"],
  ["nmae", "name"],
  ["prot", "port"],
  ["backendRef", "backendRefs"],
  ["Prefix", "PathPrefix"],
])("%s means %s", (written, meant) => {
  expect(nearestName(written, FIELDS)).toBe(meant);
});

test.each(["retries", "hostnames", "x", "", "me"])("%j means none of them", (written) => {
  expect(nearestName(written, FIELDS)).toBeUndefined();
});
