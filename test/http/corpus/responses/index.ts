// All raw responses of the corpus, by theme.
import type { ResponseCase, Theme } from "../case.ts";
import { bodies } from "./bodies.ts";
import { heads, statusLine } from "./heads.ts";
import { interim } from "./interim.ts";
import { surplus } from "./surplus.ts";

export const RESPONSES: readonly Theme<ResponseCase>[] = [statusLine, heads, interim, ...bodies, surplus];
