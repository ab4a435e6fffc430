// The CRDs of Gateway API, of whatever version and channel, out of its Go module.
import { copyFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { cached } from "./cache.ts";
import { moduleFolder } from "./go-modules.ts";

export type Channel = "standard" | "experimental";

/** What each tutorial was written for, and what it is told for today. */
export const GATEWAY_API_VERSIONS = ["1.1.1", "1.2.1", "1.3.0", "1.4.1", "1.5.1", "1.6.3", "1.7.0"] as const;

/**
 * Folder of YAML files, one CRD each. The admission policy that newer versions bring is left out: it forbids what tests do,
 * such as an experimental channel over a standard one.
 */
export function gatewayCrds(version: string, channel: Channel): Promise<string> {
  return cached(`gateway-api-${version}-${channel}`, (folder) => {
    const module = moduleFolder({ path: "sigs.k8s.io/gateway-api", version: `v${version}` });
    const source = join(module, "config/crd", channel);
    for (const name of readdirSync(source)) {
      if (/^gateway\.networking\.(x-)?k8s\.io_(?!vap_).*\.yaml$/.test(name))
        copyFileSync(join(source, name), join(folder, name));
    }
  });
}
