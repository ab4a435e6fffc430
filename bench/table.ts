// Prints what was measured as the table of the README: a row for each row, a column for each peer.
import { cpus, release } from "node:os";
import type { Found, RowResult } from "./measure.ts";
import type { Row } from "./row.ts";

export interface Measured {
  readonly peers: readonly Found[];
  readonly rows: readonly { readonly row: Row; readonly result: RowResult }[];
  readonly rounds: number;
  readonly seconds: number;
  readonly date: Date;
}

export function tableOf(measured: Measured): string {
  const { peers, rows } = measured;
  const heads = ["", ...peers.map(({ peer, version }) => `${peer.name} ${version}`)];
  const lines = rows.map(({ row, result }) => [
    row.title,
    ...peers.map(({ peer }) => cellOf(row, result, peer.name)),
  ]);
  const table = [heads, ["---", ...peers.map(() => "---:")], ...lines].map(
    (cells) => `| ${cells.join(" | ")} |`,
  );
  return [...table, "", ...remarks(measured)].join("\n");
}

function cellOf(row: Row, result: RowResult, peer: string): string {
  const figures = result.get(peer);
  if (figures === undefined) return "";
  if ("failed" in figures) return "failed";
  return row.cell.map(([name, digits]) => format(figures[name] ?? Number.NaN, digits)).join(", ");
}

function format(value: number, digits: number): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function remarks({ peers, rows, rounds, seconds, date }: Measured): string[] {
  const notes = peers.flatMap(({ peer }) => peer.note ?? []);
  const errors = rows.flatMap(({ row, result }) =>
    [...result].flatMap(([peer, figures]) => {
      if ("failed" in figures) return [`${peer}, ${row.name}: ${figures["failed"]}.`];
      const count = figures["errors"] ?? 0;
      return count > 0 ? [`${peer}, ${row.name}: ${count} requests failed.`] : [];
    }),
  );
  // The rest of the release names the builder of the kernel, not what it can do.
  const kernel = release().split(".").slice(0, 2).join(".");
  const machine = `${cpus()[0]?.model ?? "unknown processor"}, Linux ${kernel}, Node.js ${process.versions.node}`;
  const times = rounds === 1 ? "one round" : `medians of ${rounds} rounds`;
  const method = `${times} of ${seconds} s, the proxy on one core, load and origin on another`;
  return [`Measured on ${date.toISOString().slice(0, 10)}: ${machine}; ${method}.`, ...notes, ...errors];
}
