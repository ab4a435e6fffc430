// All raw requests of the corpus, by theme.
import type { RequestCase, Theme } from "../case.ts";
import { chunks } from "./chunks.ts";
import { connection, hops, upgrades } from "./connection.ts";
import { contentLength } from "./content-length.ts";
import { fields } from "./fields.ts";
import { host } from "./host.ts";
import { limits } from "./limits.ts";
import { requestLine } from "./request-line.ts";
import { smuggling } from "./smuggling.ts";
import { target } from "./target.ts";
import { trailers } from "./trailers.ts";
import { transferEncoding } from "./transfer-encoding.ts";

export const REQUESTS: readonly Theme<RequestCase>[] = [
  requestLine,
  target,
  host,
  contentLength,
  transferEncoding,
  chunks,
  trailers,
  fields,
  connection,
  upgrades,
  hops,
  smuggling,
  limits,
];
