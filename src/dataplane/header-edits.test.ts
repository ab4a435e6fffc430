// Tests of the list of edits.
import { expect, test } from "vitest";
import { EditList, valuesAfterEdits } from "./header-edits.ts";
import { PlainResponseHead } from "./plain-head.ts";

test("a fresh list changes nothing", () => {
  const edits = new EditList();
  expect(edits.isEmpty).toBe(true);
  expect(edits.drops("accept")).toBe(false);
  expect([edits.dropped, edits.lines]).toEqual([[], []]);
});

test("set replaces what was received and what was edited before", () => {
  const edits = new EditList();
  edits.add("X-A", "1");
  edits.set("X-a", "2");
  edits.add("x-A", "3");
  expect(edits.drops("x-a")).toBe(true);
  expect(edits.lines).toEqual(["x-a", "2", "x-a", "3"]);
});

test("add keeps what was received", () => {
  const edits = new EditList();
  edits.add("x-a", "1");
  expect(edits.drops("x-a")).toBe(false);
  expect(edits.isEmpty).toBe(false);
});

test("remove takes back what was added, and reset takes back everything", () => {
  const edits = new EditList();
  edits.add("x-a", "1");
  edits.add("x-b", "1");
  edits.remove("X-A");
  edits.remove("x-a");
  expect(edits.dropped).toEqual(["x-a"]);
  expect(edits.lines).toEqual(["x-b", "1"]);
  edits.reset();
  expect(edits.isEmpty).toBe(true);
});

test("the values of a field are the received ones with what the edits make of them", () => {
  const head = new PlainResponseHead(200, "OK", ["x-a", "1", "x-b", "2", "x-a", "3"]);
  head.edits.add("X-A", "4");
  expect(valuesAfterEdits(head, "x-a")).toEqual(["1", "3", "4"]);
  head.edits.set("x-a", "5");
  expect(valuesAfterEdits(head, "x-a")).toEqual(["5"]);
  expect(valuesAfterEdits(head, "x-b")).toEqual(["2"]);
  head.edits.remove("x-b");
  expect(valuesAfterEdits(head, "x-b")).toEqual([]);
});
