// What `limpet run` can be told, after parsing.
import type { DataplaneOptions } from "../dataplane/options.ts";
import type { ServiceType } from "../kubernetes/addresses/service-parameters.ts";
import type { LogLevel } from "../telemetry/index.ts";
import type { AccessLogTarget, TracingKind } from "./processes/messages.ts";
import type { SessionKeySource } from "./session-key-store.ts";

export interface AdminAddress {
  /** An IP address. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** The configuration is in a cluster. */
export interface KubernetesOptions {
  /** Undefined: $KUBECONFIG, the pod's service account, or ~/.kube/config. */
  readonly kubeconfig: string | undefined;
  /** Of the kubeconfig; undefined: its current one. */
  readonly context: string | undefined;
  /** Undefined: every class of this controller. */
  readonly gatewayClass: string | undefined;
  /** Networks that Gateways get addresses of, which are bound; empty: a Service for each Gateway. */
  readonly addressPools: readonly string[];
  readonly serviceType: ServiceType;
  /** Name of the Secret with the keys of session tokens. */
  readonly sessionKeysSecret: string;
  readonly allowExternalName: boolean;
  /** Where its Lease and the Secret live; undefined: the one that the connection to the API server names. */
  readonly namespace: string | undefined;
  /** Tells the replicas apart: the pod's name. */
  readonly identity: string;
}

export interface RunOptions {
  /** Files and folders; empty exactly where `kubernetes` is set. */
  readonly paths: readonly string[];
  /** Undefined: the configuration is in files. */
  readonly kubernetes: KubernetesOptions | undefined;
  /** Reload when the files change. */
  readonly watch: boolean;
  readonly strictConfig: boolean;
  /** For Gateways without addresses; undefined: all addresses. */
  readonly listenAddress: string | undefined;
  /** Added to every listener's port. */
  readonly portOffset: number;
  readonly workers: number;
  /** Undefined: no admin port. */
  readonly admin: AdminAddress | undefined;
  readonly drainTimeoutMs: number;
  /** So long it goes on accepting after it was told to stop, while `/readyz` says 503 already. */
  readonly drainDelayMs: number;
  readonly logLevel: LogLevel;
  /** Log lines for people in place of JSON. */
  readonly humanLog: boolean;
  readonly accessLog: AccessLogTarget;
  /** As `parseLogFormat` reads it. */
  readonly accessLogFormat: string;
  readonly tracing: TracingKind;
  /** `ip:port` of the DNS servers that host names of backends are asked of; empty: those of the system. */
  readonly dnsServers: readonly string[];
  /** What session tokens are sealed with; undefined: with what the cluster keeps, and from files they are not sealed. */
  readonly sessionKeys: SessionKeySource | undefined;
  /** Its limits on connections, requests and buffered bytes are the total over workers. */
  readonly dataplane: DataplaneOptions;
}
