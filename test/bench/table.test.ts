// The table of the benchmark shows what was measured, and says what failed.
import { expect, test } from "vitest";
import type { Found } from "../../bench/measure.ts";
import type { Peer } from "../../bench/peer.ts";
import type { Figures, Row } from "../../bench/row.ts";
import { tableOf } from "../../bench/table.ts";

function found(name: string, note?: string): Found {
  const peer: Peer = {
    name,
    ...(note !== undefined && { note }),
    locate: () => ({ command: name, version: "1" }),
    write() {},
    args: () => [],
  };
  return { peer, command: name, version: "1.2" };
}

const row: Row = {
  name: "rate",
  title: "rate: us, ms",
  origin: "plain",
  cell: [
    ["cpuUs", 1],
    ["p99Ms", 2],
  ],
  measure: () => Promise.reject(new Error("not measured here")),
};

function table(...results: [string, Figures | { readonly failed: string }][]): string[] {
  return tableOf({
    peers: [found("Limpet"), found("Other", "Other is another.")],
    rows: [{ row, result: new Map(results) }],
    rounds: 3,
    seconds: 5,
    date: new Date(Date.UTC(2026, 10, 21)),
  }).split("\n");
}

test("a row has a cell for every peer, with the digits that it asks for", () => {
  const lines = table(["Limpet", { cpuUs: 17.26, p99Ms: 1 }], ["Other", { cpuUs: 1234, p99Ms: 0.005 }]);
  expect(lines.slice(0, 3)).toEqual([
    "|  | Limpet 1.2 | Other 1.2 |",
    "| --- | ---: | ---: |",
    "| rate: us, ms | 17.3, 1.00 | 1,234.0, 0.01 |",
  ]);
});

test("date, method and notes stand below", () => {
  const below = table(["Limpet", { cpuUs: 1, p99Ms: 1 }])
    .slice(3)
    .join("\n");
  expect(below).toContain("Measured on 2026-11-21");
  expect(below).toContain("medians of 3 rounds of 5 s");
  expect(below).toContain("Other is another.");
});

test("failures and failed requests are named", () => {
  const lines = table(
    ["Limpet", { cpuUs: 1, p99Ms: 1, errors: 7 }],
    ["Other", { failed: "it did not start" }],
  );
  expect(lines[2]).toBe("| rate: us, ms | 1.0, 1.00 | failed |");
  expect(lines).toContain("Limpet, rate: 7 requests failed.");
  expect(lines).toContain("Other, rate: it did not start.");
});

test("a peer that was not measured has an empty cell", () => {
  expect(table(["Other", { cpuUs: 1, p99Ms: 1 }])[2]).toBe("| rate: us, ms |  | 1.0, 1.00 |");
});
