// What the rest of the controller asks of an API server: JSON requests and watches, and the one error that they reject with.

/** Any object as the API server sends it. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMetadata;
  readonly [field: string]: unknown;
}

export interface ObjectMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

export interface ListPage {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  /** Without `apiVersion` and `kind` where the API server leaves them out. */
  readonly items: readonly KubernetesObject[];
}

export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  /** For `ERROR` a `Status`. */
  readonly object: KubernetesObject;
}

export type RequestMethod = "GET" | "POST" | "PUT" | "DELETE" | "PATCH";

export interface RequestOptions {
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: unknown;
  /** Of the body; default `application/json`. */
  readonly contentType?: "application/json" | "application/merge-patch+json" | "application/apply-patch+yaml";
  /** Default: the client's own. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** For lists: of each object only its metadata comes (PartialObjectMetadata), which spares both sides the large ones. */
  readonly metadataOnly?: boolean;
}

export interface WatchOptions {
  /** What it throws breaks the watch, which rejects with it. */
  readonly onEvent: (event: WatchEvent) => void;
  /** The server took the watch up. */
  readonly onOpen?: () => void;
  readonly quietLimitMs: number;
  readonly signal: AbortSignal;
  /** As of a list. */
  readonly metadataOnly?: boolean;
}

export interface KubernetesClient {
  /** `path` such as `/apis/apps/v1/namespaces/shop/deployments`. Rejects with an ApiError. */
  request<T>(method: RequestMethod, path: string, options?: RequestOptions): Promise<T>;
  /**
   * Calls `onEvent` for each event, in order, until the server ends the watch, which resolves. Rejects with an ApiError where
   * the watch breaks; with QUIET as its reason where nothing, not even a bookmark, arrived for `quietLimitMs`: the connection may
   * be dead, or nothing have happened. An API server sends bookmarks of a kind only once something of that kind has changed.
   */
  watch(
    path: string,
    query: Readonly<Record<string, string | number | boolean>>,
    options: WatchOptions,
  ): Promise<void>;
}

/** Reason of an ApiError: a watch said nothing for too long. */
export const QUIET = "Quiet";

/** A refusal of the API server, or no answer from it. */
export class ApiError extends Error {
  /** HTTP status; 0: no answer. */
  readonly status: number;
  /** `reason` of the Status, such as `Conflict`, `AlreadyExists`, `Expired`; "" where there was none. */
  readonly reason: string;
  /** How long the server asks to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    {
      status,
      reason = "",
      retryAfterMs,
      cause,
    }: {
      status: number;
      reason?: string;
      retryAfterMs?: number;
      cause?: unknown;
    },
  ) {
    super(message, { cause });
    this.name = "ApiError";
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}
