// Helm itself, built from its Go module: what the chart becomes, only Helm says.
import { join } from "node:path";
import { cached } from "../cluster/install/cache.ts";
import { buildPrograms } from "../cluster/install/go-modules.ts";

const VERSION = "4.3.1";
const MODULE = "helm.sh/helm/v4";

/** Path of the program; some minutes the first time. */
export async function installHelm(progress: (line: string) => void): Promise<string> {
  const folder = await cached(`helm-${VERSION}`, (unfinished) => {
    progress(`building Helm ${VERSION}`);
    const requires = [{ path: MODULE, version: `v${VERSION}` }];
    return buildPrograms({ requires, packages: [`${MODULE}/cmd/helm`] }, unfinished, progress);
  });
  return join(folder, "helm");
}
