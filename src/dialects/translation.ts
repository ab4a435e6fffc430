// The border of the control plane: resources with their source positions in, snapshot, statuses and findings out.
import type {
  Backend,
  Finding,
  Listener,
  ObjectRef,
  ObjectStatus,
  Route,
  SourcePosition,
  TlsRoute,
} from "../model/index.ts";
import type { GatewayNeeds, PlaceGateways } from "./gateway-api/placement.ts";

/** One object as it was read, before any schema: the value and where each of its fields stands. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly object: ObjectRef;
  /** Plain JSON value of the whole object. */
  readonly value: unknown;
  /** Position of a field path such as `["spec", "rules", 0]`, or of the nearest parent that exists. */
  position(path: readonly (string | number)[]): SourcePosition | undefined;
}

/** A translated configuration; the store gives it its version. */
export interface TranslatedConfiguration {
  readonly listeners: readonly Listener[];
  readonly routes: readonly Route[];
  readonly tlsRoutes: readonly TlsRoute[];
  readonly backends: readonly Backend[];
}

export interface Translation {
  readonly snapshot: TranslatedConfiguration;
  readonly statuses: readonly ObjectStatus[];
  readonly findings: readonly Finding[];
  /** Of each Gateway that is served, in order of age. */
  readonly gateways: readonly GatewayNeeds[];
}

export interface TranslateOptions {
  /**
   * Serve only Gateways of a class with this controllerName, as in Kubernetes. Undefined: every Gateway is served,
   * whatever its class, because files hold manifests that were written for another gateway.
   */
  readonly controllerName?: string;
  /** Beside `controllerName`: only the class of this name. */
  readonly gatewayClass?: string;
  /** Undefined: Gateways are bound where they say, or else at the default address of the process. */
  readonly place?: PlaceGateways;
  /**
   * Serve Services of type ExternalName where `controllerName` is set too. They let whoever may write a Service reach
   * any host that this process reaches (Gateway API, security considerations), so that a cluster's operator decides.
   */
  readonly allowExternalName?: boolean;
  /**
   * The process has keys, so sessions get sealed tokens unless they ask for Envoy's; the same for every translation that
   * remembers another. Without keys all tokens are Envoy's, and findings say what that exposes.
   */
  readonly sealTokens?: boolean;
  /** Wall clock, for certificates that are out of their time. Undefined: nothing is said about them. */
  readonly nowMs?: number;
}
