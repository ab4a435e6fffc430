// Rows of large bodies: how many megabytes a second of CPU carries, down and up.

import { type WrkLoad, wrk } from "../load/wrk.ts";
import { DOWNLOAD_BYTES } from "../origins/plain.ts";
import { HASH_HEADER } from "../peer.ts";
import type { Figures, Row, RowRun } from "../row.ts";
import { requestFigures, USERS } from "./throughput.ts";

const UPLOAD_BYTES = 64 * 1024;
const WARM_UP_SECONDS = 1;

async function measure({ start, seconds }: RowRun, load: WrkLoad, bytes: number): Promise<Figures> {
  const running = await start();
  await wrk(running, load, WARM_UP_SECONDS);
  const result = await wrk(running, load, seconds);
  return { ...requestFigures(result), mbPerCpuSec: (result.requests * bytes) / 1000 / result.cpuMs };
}

export const download: Row = {
  name: "download",
  title: "1 MiB download: MB per CPU second",
  origin: "plain",
  cell: [["mbPerCpuSec", 0]],
  measure: (run) => measure(run, { path: "/download", header: HASH_HEADER, values: USERS }, DOWNLOAD_BYTES),
};

export const upload: Row = {
  name: "upload",
  title: "64 KiB upload: MB per CPU second",
  origin: "upload",
  cell: [["mbPerCpuSec", 0]],
  measure: (run) =>
    measure(
      run,
      { path: "/", header: HASH_HEADER, values: USERS.slice(0, 64), bodyBytes: UPLOAD_BYTES },
      UPLOAD_BYTES,
    ),
};
