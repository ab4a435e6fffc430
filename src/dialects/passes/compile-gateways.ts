// Second pass: Gateways become listeners, oldest first, so that of two that want the same place the older has it.
import { type Listener, objectKey } from "../../model/index.ts";
import { type CompiledGateway, compileGateway, GATEWAY } from "../gateway-api/gateway.ts";
import { GATEWAY_CLASS } from "../gateway-api/gateway-class.ts";
import type { Recall } from "../memory.ts";
import type { ObjectSet } from "../object-set.ts";
import { compareAge } from "../policies/effects.ts";
import type { TranslateOptions } from "../translation.ts";

/** `gateways` keeps its identity while nothing about any Gateway changes. */
export function compileGateways(
  objects: ObjectSet,
  options: TranslateOptions,
  recall: Recall,
): readonly CompiledGateway[] {
  const classes = objects.all(GATEWAY_CLASS);
  const gateways = objects.all(GATEWAY);
  return recall.result("gateways", "", [classes, gateways, options.controllerName], () => {
    const ours = new Set(
      classes
        .filter(({ value }) => value.spec.controllerName === options.controllerName)
        .map(({ object }) => object.name),
    );
    const served = gateways
      .filter(({ value }) => options.controllerName === undefined || ours.has(value.spec.gatewayClassName))
      .sort((a, b) =>
        compareAge(
          a.value.metadata.creationTimestamp,
          a.object,
          b.value.metadata.creationTimestamp,
          b.object,
        ),
      );
    const taken = new Map<string, string>();
    return served.map((reading) =>
      compileGateway(reading, (listener) => {
        const places = placesOf(listener);
        const other = places.map((place) => taken.get(place)).find((id) => id !== undefined);
        if (other === undefined) for (const place of places) taken.set(place, listener.id);
        return other;
      }),
    );
  });
}

/** What no two listeners may share. Gateways without an address of their own share the process's. */
function placesOf({ id, addresses, port, hostname }: Listener): string[] {
  const bound = addresses.length === 0 ? ["*"] : addresses;
  return [id, ...bound.map((address) => `${address} ${port} ${hostname ?? "*"}`)];
}

export function listenersByGateway(gateways: readonly CompiledGateway[]) {
  return new Map(gateways.map(({ reading, listeners }) => [objectKey(reading.object), listeners]));
}
