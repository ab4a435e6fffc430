// The flags of `limpet run --kubernetes`, and what they and the pod's environment amount to.
import { hostname } from "node:os";
import { SERVICE_TYPES } from "../kubernetes/addresses/service-parameters.ts";
import type { KubernetesOptions } from "../runtime/run-options.ts";
import { type FlagTable, type FlagValues, NETWORKS, oneOf, TEXT } from "./flag.ts";
import { UsageError } from "./usage-error.ts";

const KUBERNETES = "Kubernetes";

export const KUBERNETES_FLAGS = {
  kubernetes: {
    group: KUBERNETES,
    help: "Serve the Gateways of a cluster in place of files; see docs/kubernetes.md.",
  },
  kubeconfig: {
    group: KUBERNETES,
    help: "How to reach the API server; $KUBECONFIG, the pod's service account or ~/.kube/config if not given.",
    value: { ...TEXT, placeholder: "PATH" },
  },
  context: {
    group: KUBERNETES,
    help: "A context of the kubeconfig.",
    value: { ...TEXT, placeholder: "NAME" },
  },
  "gateway-class": {
    group: KUBERNETES,
    help: "Serve this GatewayClass alone; every class of controller limpet.dev/gateway if not given.",
    value: { ...TEXT, placeholder: "NAME" },
  },
  "address-pool": {
    group: KUBERNETES,
    help: "Give each Gateway an address of its own out of these networks, and bind it, in place of making Services.",
    value: NETWORKS,
  },
  "gateway-service-type": {
    group: KUBERNETES,
    help: "Type of the Service that is made for each Gateway.",
    value: oneOf(...SERVICE_TYPES),
    default: "LoadBalancer",
  },
  "session-keys-secret": {
    group: KUBERNETES,
    help: "Secret with the keys of session tokens, in the namespace of the process; made if there is none.",
    value: { ...TEXT, placeholder: "NAME" },
    default: "limpet-session-keys",
  },
  "allow-external-name": {
    group: KUBERNETES,
    help: "Serve Services of type ExternalName: whoever may write a Service then reaches what this process reaches.",
  },
} as const satisfies FlagTable;

/** Undefined: files are served. Throws a UsageError where flags do not go together. */
export function kubernetesOptions(
  flags: FlagValues<typeof KUBERNETES_FLAGS> & {
    readonly file: readonly string[];
    readonly strictConfig: boolean;
    readonly noWatch: boolean;
    readonly listenAddress: string | undefined;
    readonly portOffset: number;
  },
  environment: NodeJS.ProcessEnv,
): KubernetesOptions | undefined {
  const alone = (["kubeconfig", "context", "gatewayClass", "addressPool", "allowExternalName"] as const).find(
    (name) => flags[name] !== undefined && flags[name] !== false,
  );
  if (!flags.kubernetes) {
    if (alone === undefined) return undefined;
    throw new UsageError(`${FLAG_NAMES[alone]} is for --kubernetes: add that, or leave it out`);
  }
  if (flags.file.length > 0)
    throw new UsageError("-f and --kubernetes: the configuration is in files or in a cluster");
  if (flags.strictConfig) {
    throw new UsageError("--strict-config is for files: in a cluster one object must not stop the others");
  }
  if (flags.noWatch) throw new UsageError("--no-watch is for files: a cluster is always followed");
  if (flags.listenAddress !== undefined && flags.addressPool !== undefined) {
    throw new UsageError("--listen-address: with --address-pool each Gateway has an address of its own");
  }
  if (flags.portOffset > 0 && flags.addressPool === undefined) {
    throw new UsageError(
      "--port-offset: behind Services ports are made up anyway; it goes with --address-pool",
    );
  }
  return {
    kubeconfig: flags.kubeconfig,
    context: flags.context,
    gatewayClass: flags.gatewayClass,
    addressPools: flags.addressPool ?? [],
    serviceType: flags.gatewayServiceType,
    sessionKeysSecret: flags.sessionKeysSecret,
    allowExternalName: flags.allowExternalName,
    namespace: environment["POD_NAMESPACE"],
    identity: environment["POD_NAME"] ?? `${hostname()}-${process.pid}`,
  };
}

const FLAG_NAMES = {
  kubeconfig: "--kubeconfig",
  context: "--context",
  gatewayClass: "--gateway-class",
  addressPool: "--address-pool",
  allowExternalName: "--allow-external-name",
} as const;
