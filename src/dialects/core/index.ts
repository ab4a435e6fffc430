// The core dialect: Services, their EndpointSlices, Pods and Namespaces; certificates in Secrets and ConfigMaps.
import type { BackendKind, Dialect } from "../dialect.ts";
import type { Kind } from "../schema/kind.ts";
import { CONFIG_MAP } from "./config-map.ts";
import { ENDPOINT_SLICE } from "./endpoint-slice.ts";
import { NAMESPACE } from "./namespace.ts";
import { POD } from "./pod.ts";
import { SECRET } from "./secret.ts";
import { SERVICE, SERVICE_BACKEND } from "./service.ts";

export const CORE: Dialect = {
  name: "core",
  kinds: [NAMESPACE, SERVICE, ENDPOINT_SLICE, POD, SECRET, CONFIG_MAP] as readonly Kind[],
  policies: [],
  backends: [SERVICE_BACKEND as BackendKind],
};
