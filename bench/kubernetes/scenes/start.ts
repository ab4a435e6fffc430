// Scene: the first start on a cluster that is full already, and a second one, where all statuses stand there.
import { format, megabytes, type Scene, seconds } from "../scene.ts";

export const start: Scene = {
  name: "start",
  async run(stage) {
    const { world } = stage;
    const apiServerBefore = stage.apiServerUsage;
    const readyMs = await stage.startLimpet();
    const { limpet } = stage;
    const routes = world.routes.slice(0, world.size.gateways);
    const served = await Promise.all(routes.map((route) => stage.served(route)));
    const servedMs = Math.max(...served.map(({ atMs }) => atMs)) - limpet.startedMs;
    const startCpuMs = limpet.usage().cpuMs;
    const writes = await stage.statusesWritten(world.routes.length);
    const writtenMs = performance.now() - limpet.startedMs;
    const accepted = await stage.acceptedRoutes();
    const { primary, worker, cpuMs } = limpet.usage();
    const apiServer = stage.apiServerUsage;
    await stage.stopLimpet();
    const againMs = await stage.startLimpet();
    return new Map([
      ["start to ready: s", seconds(readyMs)],
      ["start to first answer of every Gateway: s, CPU s", `${seconds(servedMs)}, ${seconds(startCpuMs)}`],
      ["start to all statuses written: s, CPU s", `${seconds(writtenMs)}, ${seconds(cpuMs)}`],
      ["statuses written, routes accepted then", `${format(writes)}, ${format(accepted)}`],
      [
        "resident then, primary / worker / API server: MB",
        [primary, worker, apiServer].map(({ residentBytes }) => megabytes(residentBytes)).join(" / "),
      ],
      ["CPU of the API server meanwhile: s", seconds(apiServer.cpuMs - apiServerBefore.cpuMs)],
      ["second start to ready: s", seconds(againMs)],
    ]);
  },
};
