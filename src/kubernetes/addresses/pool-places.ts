// Places Gateways at addresses of a pool: `status.addresses` of each is the record, and what the leader assigns is written there.
import type { GatewayNeeds, PlaceGateways, PlacementProblem } from "../../dialects/gateway-api/placement.ts";
import { objectKey } from "../../model/index.ts";
import type { KubernetesObject } from "../api/client.ts";
import { listAt, textAt } from "../status/json.ts";
import type { ClusterView } from "../watch/cluster-view.ts";
import type { AddressPool } from "./address-pool.ts";
import type { GatewayPlaces } from "./gateway-places.ts";
import { gatewayRef } from "./infrastructure-plan.ts";
import { placeInPool } from "./pool-placement.ts";

export class PoolPlaces implements GatewayPlaces {
  readonly #pool: AddressPool;
  readonly #view: ClusterView;
  #leads = false;
  #place: PlaceGateways | undefined;
  /** What it was made of. */
  #madeOf = "";

  constructor(pool: AddressPool, view: ClusterView) {
    this.#pool = pool;
    this.#view = view;
  }

  place(): PlaceGateways {
    const { group, kind } = gatewayRef("", "");
    const recorded = new Map(this.#view.objects(group, kind).map(recordOf));
    const madeOf = JSON.stringify([this.#leads, ...recorded]);
    if (this.#place === undefined || madeOf !== this.#madeOf) {
      const records = { pool: this.#pool, recorded, assigns: this.#leads, objection };
      this.#place = (gateways) => placeInPool(gateways, records);
      this.#madeOf = madeOf;
    }
    return this.#place;
  }

  setLeader(leads: boolean): void {
    this.#leads = leads;
  }

  /** The writer of statuses writes the addresses. */
  report(): void {}

  viewChanged(): void {}

  async stop(): Promise<void> {}
}

function recordOf({ metadata, ...rest }: KubernetesObject): [string, readonly string[]] {
  const addresses = listAt(rest["status"], "addresses").map((one) => textAt(one, "value"));
  return [
    objectKey(gatewayRef(metadata.namespace ?? "", metadata.name)),
    addresses.filter((value) => value !== undefined),
  ];
}

/** There is nothing to parametrise. */
function objection({ infrastructure: { parametersRef } }: GatewayNeeds): PlacementProblem | undefined {
  if (parametersRef === undefined) return undefined;
  return {
    condition: "Accepted",
    reason: "InvalidParameters",
    message: "Gateways with addresses of a pool have no parameters",
    remedy: {
      path: ["spec", "infrastructure", "parametersRef"],
      expected: "no parametersRef",
      hint: "remove parametersRef",
    },
  };
}
