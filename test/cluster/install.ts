// Makes everything that a test cluster is made of, so that nothing is built while tests run: `node test/cluster/install.ts`.

import { installHttpbin } from "../../scripts/install-httpbin.ts";
import { installHelm } from "../deploy/helm.ts";
import { GATEWAY_API_VERSIONS, gatewayCrds } from "./install/gateway-crds.ts";
import { installPrograms } from "./install/programs.ts";
import { VENDORS, vendorCrds } from "./install/vendor-crds.ts";

const tell = (line: string) => process.stderr.write(`${line}\n`);

const programs = await installPrograms(tell);
for (const version of GATEWAY_API_VERSIONS) {
  for (const channel of ["standard", "experimental"] as const) await gatewayCrds(version, channel);
}
for (const vendor of VENDORS) await vendorCrds(vendor);
installHttpbin();
await installHelm(tell);
for (const path of Object.values(programs)) process.stdout.write(`${path}\n`);
