// Scene: a thousand routes change at once, as fast as the API server takes it.
import type { KubernetesObject } from "../../../src/kubernetes/api/client.ts";
import { type Scene, seconds } from "../scene.ts";
import { LIVE_SERVICES } from "../world.ts";

const CHANGES = 1_000;

export const routeChanges: Scene = {
  name: "route-changes",
  async run(stage) {
    const { world, objects, limpet } = stage;
    const routes = world.routes.slice(0, CHANGES);
    // Those that answer change last.
    const changed = [...routes.slice(LIVE_SERVICES), ...routes.slice(0, LIVE_SERVICES)];
    const last = changed.at(-1) as KubernetesObject;
    const before = await limpet.metric("limpet_kubernetes_status_writes_total", { result: "written" });
    const beganMs = performance.now();
    await objects.patch(changed.map((object) => ({ object, patch: withRedirect(object) })));
    const patchedMs = performance.now();
    const { atMs } = await stage.served(last, (answer) => answer.status === 302, "/old");
    await stage.statusesWritten(before + changed.length);
    const writtenMs = performance.now();
    await objects.patch(changed.map((object) => ({ object, patch: { spec: object["spec"] } })));
    await stage.served(last, (answer) => answer.status === 200, "/old");
    return new Map([
      [
        `${CHANGES} routes changed in so many s; after the last, served in s, statuses written in s`,
        [patchedMs - beganMs, atMs - patchedMs, writtenMs - patchedMs].map(seconds).join("; "),
      ],
    ]);
  },
};

/** One rule more. */
function withRedirect(route: KubernetesObject): unknown {
  const { rules } = route["spec"] as { rules: readonly unknown[] };
  const redirect = {
    matches: [{ path: { type: "Exact", value: "/old" } }],
    filters: [{ type: "RequestRedirect", requestRedirect: { scheme: "https", statusCode: 302 } }],
  };
  return { spec: { rules: [...rules, redirect] } };
}
