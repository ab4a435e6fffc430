// Scene: how quickly, and in how many writes, a Gateway's status follows 1,000 routes that come and go, as gateway-api-bench does.
import type { KubernetesObject } from "../../../src/kubernetes/api/client.ts";
import { follow } from "../../../test/cluster/api/follow.ts";
import { collectionOf } from "../objects.ts";
import { format, type Scene, seconds } from "../scene.ts";
import type { Stage } from "../stage.ts";
import { gatewayObject } from "../world.ts";

const ROUTES = 1_000;

/** Beside nothing else. */
export const attachedRoutesAlone: Scene = {
  name: "attached-routes-alone",
  isOnce: true,
  isEmpty: true,
  async run(stage) {
    const { services, slices } = stage.world;
    const needed = [...services.slice(0, 1), ...slices.slice(0, 1)];
    await stage.objects.create(needed);
    await stage.startLimpet();
    const figures = await measure(stage, "alone");
    await stage.stopLimpet();
    await stage.objects.remove(needed);
    return figures;
  },
};

/** Beside all the routes of other Gateways. */
export const attachedRoutes: Scene = {
  name: "attached-routes",
  isOnce: true,
  run: (stage) => measure(stage, "beside all others"),
};

async function measure(stage: Stage, where: string) {
  const gateway = gatewayObject("counted");
  await stage.objects.create([gateway]);
  const counts = new AttachedCounts(stage, gateway);
  try {
    await counts.reached(0);
    const routes = Array.from({ length: ROUTES }, (_, index) =>
      stage.world.route(`counted-${index}`, 0, "counted"),
    );
    counts.writes = 0;
    const beganMs = performance.now();
    await stage.objects.create(routes);
    const createdMs = performance.now();
    const setUpMs = (await counts.reached(ROUTES)) - createdMs;
    const setUpWrites = counts.writes;
    await stage.objects.remove(routes);
    const removedMs = performance.now();
    const tornDownMs = (await counts.reached(0)) - removedMs;
    stage.say(`${ROUTES} routes were created in ${seconds(createdMs - beganMs)} s`);
    return new Map([
      [
        `attachedRoutes to ${format(ROUTES)}, ${where}: s after the last route, back to 0: s, writes`,
        `${seconds(setUpMs)}, ${seconds(tornDownMs)}, ${setUpWrites} + ${counts.writes - setUpWrites}`,
      ],
    ]);
  } finally {
    counts.stop();
    await stage.objects.remove([gateway]);
  }
}

interface ListenerStatus {
  readonly listeners?: readonly { readonly attachedRoutes: number }[];
}

/** Follows the status of one Gateway. */
class AttachedCounts {
  /** Of the status, that changed something. */
  writes = 0;
  #count: number | undefined;
  #version: string | undefined;
  #waiting: { readonly count: number; readonly reached: (atMs: number) => void } | undefined;
  readonly #stop = new AbortController();

  constructor({ cluster }: Stage, gateway: KubernetesObject) {
    const onObject = (object: KubernetesObject) => {
      if (object.metadata.name === gateway.metadata.name) this.#take(object);
    };
    void follow(cluster.client, collectionOf(gateway), this.#stop.signal, { onObject, onGone: () => {} });
  }

  /** When the status said so. */
  reached(count: number): Promise<number> {
    if (this.#count === count) return Promise.resolve(performance.now());
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#waiting = { count, reached: resolve };
    return promise;
  }

  stop(): void {
    this.#stop.abort();
  }

  #take({ metadata, ...object }: KubernetesObject): void {
    const atMs = performance.now();
    if (metadata.resourceVersion === this.#version) return;
    this.#version = metadata.resourceVersion;
    const { listeners } = (object["status"] ?? {}) as ListenerStatus;
    this.#count = listeners?.[0]?.attachedRoutes;
    this.writes += 1;
    if (this.#waiting === undefined || this.#waiting.count !== this.#count) return;
    this.#waiting.reached(atMs);
    this.#waiting = undefined;
  }
}
