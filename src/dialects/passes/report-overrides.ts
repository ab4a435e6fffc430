// After the routes: what is said in vain because another object has the say, once for each place where it is said.
import { objectKey } from "../../model/index.ts";
import { draftFinding, type FindingDraft, pathText } from "../findings.ts";
import type { CompiledRoute } from "../gateway-api/compile-route.ts";
import type { Recall } from "../memory.ts";
import { type Override, overriddenText } from "../policies/precedence.ts";

export function reportOverrides(routes: readonly CompiledRoute[], recall: Recall): readonly FindingDraft[] {
  return recall.result("overrides", "", [routes], () => {
    const byPlace = Map.groupBy(
      routes.flatMap(({ overrides }) => overrides),
      ({ loser }) => `${objectKey(loser.by)} ${pathText(loser.path)}`,
    );
    return [...byPlace.values()].map((overrides) => {
      const first = overrides[0] as Override;
      const { by, path } = first.loser;
      const places = new Set(overrides.map(({ where }) => where));
      return draftFinding("overridden", by, path, overriddenText(first, places.size - 1));
    });
  });
}
