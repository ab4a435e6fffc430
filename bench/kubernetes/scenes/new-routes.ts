// Scene: routes are added one after the other, each when the one before is served, as gateway-api-bench does.
import { format, type Scene, spread } from "../scene.ts";
import { LIVE_SERVICES } from "../world.ts";

const ROUTES = 200;

export const newRoutes: Scene = {
  name: "new-routes",
  async run(stage) {
    const { world, objects } = stage;
    const times: number[] = [];
    const wrong = new Map<number, number>();
    const added = Array.from({ length: ROUTES }, (_, index) =>
      world.route(`new-${index}`, index % LIVE_SERVICES),
    );
    for (const route of added) {
      await objects.create([route]);
      const createdMs = performance.now();
      const { atMs, before } = await stage.served(route);
      times.push(atMs - createdMs);
      for (const { status } of before) {
        if (status !== 404) wrong.set(status, (wrong.get(status) ?? 0) + 1);
      }
    }
    await objects.remove(added);
    const errors = [...wrong].map(([status, count]) => `${count} times ${status}`).join(", ");
    return new Map([
      [`${ROUTES} new routes one after the other, created to served: ms, p50 / p99 / max`, spread(times)],
      ["answers before that, other than 404", errors === "" ? format(0) : errors],
    ]);
  },
};
