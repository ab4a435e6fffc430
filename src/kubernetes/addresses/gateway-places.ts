// What the controller asks of whatever gives Gateways their places, be it a pool of addresses or Services.
import type { PlaceGateways } from "../../dialects/gateway-api/placement.ts";
import type { Translation } from "../../dialects/translation.ts";

export interface GatewayPlaces {
  /** By what the view says now: the same function as before while its answers would be the same. */
  place(): PlaceGateways;
  /** What was translated last: the leader writes what its Gateways need. */
  report(translation: Translation): void;
  /** Objects changed, perhaps those that it writes. */
  viewChanged(): void;
  setLeader(leads: boolean): void;
  /** Resolves when nothing is being written any more. */
  stop(): Promise<void>;
}
