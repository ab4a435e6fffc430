// Scene: a thousand routes are deleted and created again, ten times over: what memory does not come back.
import type { KubernetesObject } from "../../../src/kubernetes/api/client.ts";
import { megabytes, type Scene } from "../scene.ts";
import type { Stage } from "../stage.ts";

const CYCLES = 10;
const ROUTES = 1_000;

export const cycles: Scene = {
  name: "cycles",
  isOnce: true,
  async run(stage) {
    const { world, objects } = stage;
    const routes = world.routes.slice(-ROUTES);
    const last = world.routes[0] as KubernetesObject;
    const sizes = [residentOf(stage)];
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const written = await stage.limpet.metric("limpet_kubernetes_status_writes_total", {
        result: "written",
      });
      await objects.remove(routes);
      await objects.create(routes);
      await stage.statusesWritten(written + routes.length);
      await stage.served(last);
      sizes.push(residentOf(stage));
      stage.say(`cycle ${cycle + 1}: ${sizes.at(-1)} MB`);
    }
    return new Map([
      [
        `resident, primary / worker, before ${CYCLES} cycles of ${ROUTES} routes deleted and made; after 1, 5, ${CYCLES}: MB`,
        [0, 1, 5, CYCLES].map((cycle) => sizes[cycle]).join("; "),
      ],
    ]);
  },
};

function residentOf(stage: Stage): string {
  const { primary, worker } = stage.limpet.usage();
  return `${megabytes(primary.residentBytes)} / ${megabytes(worker.residentBytes)}`;
}
