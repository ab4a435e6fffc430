// What a rule or a backendRef does to requests and responses beside choosing an endpoint.

export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

/** Applied in the order set, add, remove; names compare without case. */
export interface HeaderEdit {
  readonly set: readonly HeaderField[];
  readonly add: readonly HeaderField[];
  readonly remove: readonly string[];
}

/** The query always stays. `prefix`: the part of the path that `prefix` names, by segments, becomes `value`. */
export type PathEdit =
  | { readonly kind: "fullPath"; readonly value: string }
  | { readonly kind: "prefix"; readonly prefix: string; readonly value: string };

export type RedirectStatus = 301 | 302 | 303 | 307 | 308;

/** Undefined fields stay as they are in the request. */
export interface Redirect {
  readonly scheme?: "http" | "https";
  readonly hostname?: string;
  /** Undefined: with a scheme that scheme's own port, else the listener's. */
  readonly port?: number;
  readonly path?: PathEdit;
  readonly status: RedirectStatus;
}

/** Gateway API `HTTPCORSFilter`. */
export interface Cors {
  /**
   * As browsers write them: lower case, no port where it is the scheme's own. `*` is every origin; as a host it is every
   * host (`https://*`), and at its beginning any labels (`https://*.shop.example:8443`).
   */
  readonly allowOrigins: readonly string[];
  /** Methods, or `*`. */
  readonly allowMethods: readonly string[];
  /** Header names, or `*`. */
  readonly allowHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly allowCredentials: boolean;
  /** Whole seconds. */
  readonly maxAgeSec: number;
}

/** Applied in their order; of redirects the first answers. */
export type Filter =
  | { readonly kind: "requestHeaders"; readonly edit: HeaderEdit }
  | { readonly kind: "responseHeaders"; readonly edit: HeaderEdit }
  | { readonly kind: "redirect"; readonly redirect: Redirect }
  | { readonly kind: "rewrite"; readonly hostname?: string; readonly path?: PathEdit }
  /** A copy goes to this backend of the snapshot, for `numerator` of `denominator` requests; its answer is thrown away. */
  | {
      readonly kind: "mirror";
      readonly backend: string;
      readonly numerator: number;
      readonly denominator: number;
    }
  | { readonly kind: "cors"; readonly cors: Cors };
