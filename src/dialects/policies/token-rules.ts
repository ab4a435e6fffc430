// How tokens are written where a dialect says nothing of it.
import type { TokenRules } from "../../model/index.ts";
import type { TranslateOptions } from "../translation.ts";

const SEALED: TokenRules = { format: "sealed", identity: "uid" };
const ENVOY: TokenRules = { format: "envoy" };

/** Sealed as soon as the process has keys. */
export function tokenRules({ sealTokens }: TranslateOptions): TokenRules {
  return sealTokens === true ? SEALED : ENVOY;
}
