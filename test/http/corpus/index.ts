// The whole corpus.
import type { Corpus } from "../harness/run.ts";
import { REQUESTS } from "./requests/index.ts";
import { RESPONSES } from "./responses/index.ts";

export const CORPUS: Corpus = { requests: REQUESTS, responses: RESPONSES };

/** Names of the themes, in order. */
export const THEMES: readonly string[] = [...REQUESTS, ...RESPONSES].map(({ theme }) => theme);
