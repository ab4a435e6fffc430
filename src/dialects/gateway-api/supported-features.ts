// Features of Gateway API that are served, by the names of its conformance suite: what a GatewayClass's status lists.

/** Core of the profiles GATEWAY-HTTP and GATEWAY-TLS. */
const CORE = ["Gateway", "HTTPRoute", "ReferenceGrant", "TLSRoute"];

const EXTENDED = [
  "BackendTLSPolicy",
  "BackendTLSPolicySANValidation",
  "GatewayAddressEmpty",
  "GatewayBackendClientCertificate",
  "GatewayFrontendClientCertificateValidation",
  "GatewayFrontendClientCertificateValidationInsecureFallback",
  "GatewayHTTPListenerIsolation",
  "GatewayInfrastructure",
  "GatewayPort8080",
  "GatewayRouteHostnameIntersectionPrecedence",
  "GatewayStaticAddresses",
  "HTTPRoute303RedirectStatusCode",
  "HTTPRoute307RedirectStatusCode",
  "HTTPRoute308RedirectStatusCode",
  "HTTPRouteBackendProtocolWebSocket",
  "HTTPRouteBackendRequestHeaderModification",
  "HTTPRouteBackendTimeout",
  "HTTPRouteBackendURLRewrite",
  "HTTPRouteCORS",
  "HTTPRouteDestinationPortMatching",
  "HTTPRouteHostRewrite",
  "HTTPRouteMethodMatching",
  "HTTPRouteNamedRouteRule",
  "HTTPRouteParentRefPort",
  "HTTPRoutePathRedirect",
  "HTTPRoutePathRewrite",
  "HTTPRoutePortRedirect",
  "HTTPRouteQueryParamMatching",
  "HTTPRouteRequestMirror",
  "HTTPRouteRequestMultipleMirrors",
  "HTTPRouteRequestPercentageMirror",
  "HTTPRouteRequestTimeout",
  "HTTPRouteResponseHeaderModification",
  "HTTPRouteRetryCodes",
  "HTTPRouteRetryConnectionError",
  "HTTPRouteSchemeRedirect",
  "ListenerSet",
  "TLSRouteModeMixed",
  "TLSRouteModeTerminate",
];

/** Names of Gateway API 1.6 that 1.7 changed: a suite knows those of its own release. */
const OLDER = ["HTTPRouteRetry", "HTTPRouteRetryBackendTimeout"];

/** In alphabetical order, as the CRD's list wants them. */
export const SUPPORTED_FEATURES: readonly string[] = [...CORE, ...EXTENDED, ...OLDER].sort();
