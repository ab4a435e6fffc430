// Which flags go together with --kubernetes, and what the pod's environment adds.
import { expect, test } from "vitest";
import { kubernetesOptions } from "./kubernetes-flags.ts";

const GIVEN = {
  kubernetes: true,
  kubeconfig: undefined,
  context: undefined,
  gatewayClass: undefined,
  addressPool: undefined,
  gatewayServiceType: "LoadBalancer",
  sessionKeysSecret: "limpet-session-keys",
  allowExternalName: false,
  file: [],
  strictConfig: false,
  noWatch: false,
  listenAddress: undefined,
  portOffset: 0,
} as const;

test("a pod knows its name and its namespace", () => {
  const options = kubernetesOptions(GIVEN, { POD_NAME: "limpet-7", POD_NAMESPACE: "edge" });
  expect(options).toMatchObject({ identity: "limpet-7", namespace: "edge", addressPools: [] });
});

test("without --kubernetes files are served", () => {
  expect(kubernetesOptions({ ...GIVEN, kubernetes: false }, {})).toBeUndefined();
});

test.each([
  [{ kubernetes: false, gatewayClass: "limpet" }, "--gateway-class is for --kubernetes"],
  [{ kubernetes: false, addressPool: ["10.0.0.0/24"] }, "--address-pool is for --kubernetes"],
  [{ kubernetes: false, allowExternalName: true }, "--allow-external-name is for --kubernetes"],
  [{ file: ["gateway.yaml"] }, "-f and --kubernetes"],
  [{ strictConfig: true }, "--strict-config is for files"],
  [{ noWatch: true }, "--no-watch is for files"],
  [{ addressPool: ["10.0.0.0/24"], listenAddress: "10.0.0.1" }, "--listen-address"],
  [{ portOffset: 8000 }, "--port-offset"],
])("%j is refused", (flags, message) => {
  expect(() => kubernetesOptions({ ...GIVEN, ...flags }, {})).toThrow(message);
});

test("an offset goes with a pool, whose ports are those of the Gateways", () => {
  const flags = { ...GIVEN, portOffset: 8000, addressPool: ["10.0.0.0/24"] };
  expect(kubernetesOptions(flags, {})?.addressPools).toEqual(["10.0.0.0/24"]);
});
