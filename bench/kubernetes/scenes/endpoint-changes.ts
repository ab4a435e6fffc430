// Scene: endpoints change at random moments; a change is over when a request is answered by the new one.
import { setTimeout as delay } from "node:timers/promises";
import type { KubernetesObject } from "../../../src/kubernetes/api/client.ts";
import { ORIGINS } from "../origins.ts";
import { format, type Scene, seconds, spread } from "../scene.ts";
import type { Stage } from "../stage.ts";
import { endpointsAt, LIVE_SERVICES } from "../world.ts";

const CHANGES = 500;
/** Mean of the time between two, which is random as the moments of rollouts are. */
const MEAN_GAP_MS = 200;

export const endpointChanges: Scene = {
  name: "endpoint-changes",
  async run(stage) {
    await stage.served(stage.world.routes[0] as KubernetesObject);
    const live = Array.from(
      { length: Math.min(LIVE_SERVICES, stage.world.size.services, stage.world.size.routes) },
      (_, index) => ({ index, at: 0, isMoving: false }),
    );
    const times: number[] = [];
    const patches: number[] = [];
    const moves: Promise<void>[] = [];
    const cpuBefore = stage.limpet.usage().cpuMs;
    const beganMs = performance.now();
    for (let change = 0; change < CHANGES; change++) {
      await delay(-Math.log(1 - Math.random()) * MEAN_GAP_MS);
      const resting = live.filter(({ isMoving }) => !isMoving);
      const one = resting[Math.floor(Math.random() * resting.length)];
      if (one === undefined) throw new Error("every live Service is on the move: changes come too fast");
      one.isMoving = true;
      one.at = 1 - one.at;
      const move = moveEndpoint(stage, one.index, ORIGINS[one.at] as string).then(({ patchMs, routedMs }) => {
        times.push(routedMs);
        patches.push(patchMs);
        one.isMoving = false;
      });
      moves.push(move);
    }
    await Promise.all(moves);
    const tookMs = performance.now() - beganMs;
    const cpuShare = (stage.limpet.usage().cpuMs - cpuBefore) / tookMs;
    stage.say(`${CHANGES} changes in ${seconds(tookMs)} s; the PATCH itself: ${spread(patches)} ms`);
    return new Map([
      [
        `${CHANGES} endpoint changes, answer of the API server to data plane: ms, p50 / p99 / max`,
        spread(times),
      ],
      ["CPU meanwhile, at 5 changes/s: % of a core", format(cpuShare * 100)],
    ]);
  },
};

async function moveEndpoint(stage: Stage, index: number, origin: string) {
  const slice = stage.world.slices[index] as KubernetesObject;
  const route = stage.world.routes[index] as KubernetesObject;
  const askedMs = performance.now();
  await stage.objects.patch([{ object: slice, patch: endpointsAt(origin) }]);
  const patchedMs = performance.now();
  const { atMs } = await stage.served(route, ({ body }) => body === origin);
  return { patchMs: patchedMs - askedMs, routedMs: atMs - patchedMs };
}
