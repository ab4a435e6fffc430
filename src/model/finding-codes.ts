// The registry of findings: every code, its usual severity and what it means; docs/findings.md is generated from it.
import type { Severity } from "./finding.ts";

export interface FindingKind {
  readonly severity: Severity;
  readonly meaning: string;
}

export const FINDING_CODES = {
  "unreadable-file": { severity: "error", meaning: "A file or a YAML document in it could not be read." },
  "not-a-resource": {
    severity: "error",
    meaning: "A document is no Kubernetes object: apiVersion, kind or metadata.name is missing.",
  },
  "duplicate-object": {
    severity: "error",
    meaning: "The same object stands in the configuration twice; the first one counts.",
  },
  "unknown-kind": {
    severity: "warning",
    meaning: "The kind is none that Limpet reads, so the object has no effect.",
  },
  "unknown-field": {
    severity: "warning",
    meaning: "The field is not part of the kind, so it has no effect.",
  },
  "invalid-value": { severity: "error", meaning: "A value breaks the schema of its kind." },
  "conflicting-fields": {
    severity: "error",
    meaning: "Fields are each valid and may not stand together, or one needs another that is absent.",
  },
  "invalid-certificate": {
    severity: "error",
    meaning: "A certificate, its key or an authority in a Secret or ConfigMap cannot be used.",
  },
  "field-ignored": {
    severity: "warning",
    meaning: "The field is known and has no effect in this version.",
  },
  "field-approximated": {
    severity: "warning",
    meaning: "The field is honoured in a way that differs from what it says.",
  },
  "kind-ignored": {
    severity: "info",
    meaning: "The kind is none of a gateway's business; the object is passed over.",
  },
  "target-not-found": {
    severity: "warning",
    meaning: "A policy names a target that is not part of the configuration, so it has no effect there.",
  },
  "policy-conflict": {
    severity: "warning",
    meaning: "Two policies want the same thing of the same target; the older one applies.",
  },
  overridden: {
    severity: "info",
    meaning: "Another object has the say over the sessions or the balancing that this one declares.",
  },
  "deprecated-shape": {
    severity: "info",
    meaning: "A newer release of the API writes this in another form, or at another place.",
  },
  "unsealed-token": {
    severity: "info",
    meaning:
      "A session token is readable and changeable by the client: it names the endpoint's address in the clear. A warning where it wraps the application's session.",
  },
  "cookie-refused": {
    severity: "warning",
    meaning: "Browsers refuse a cookie as it is configured, so it keeps nobody on an endpoint.",
  },
  "cookie-not-sent": {
    severity: "warning",
    meaning:
      "The path of a session's cookie leaves out requests of its rule: browsers do not send it there, and are given another in its place.",
  },
  "filter-not-served": {
    severity: "warning",
    meaning: "A filter is not served, so its rule or backendRef answers 500, as the specification wants.",
  },
  "invalid-reference": {
    severity: "warning",
    meaning:
      "A reference to a backend leads nowhere, or may not lead there: a backendRef answers its share of the requests with 500, a mirror is left out.",
  },
  "invalid-certificate-reference": {
    severity: "warning",
    meaning:
      "A reference to a certificate or to authorities leads to none that can be used, or may not lead there.",
  },
  "certificate-out-of-time": {
    severity: "warning",
    meaning: "A certificate that is served is expired or not yet valid, so clients refuse it.",
  },
  "certificate-of-another-host": {
    severity: "warning",
    meaning: "No certificate of a listener has a name for the listener's hostname, so clients refuse it.",
  },
  "no-backends": {
    severity: "warning",
    meaning: "A rule has no backendRefs that could answer, so it answers 500.",
  },
  "route-not-accepted": {
    severity: "warning",
    meaning: "A parent does not take the route: no such listener, another hostname, or not allowed there.",
  },
  "listener-not-served": {
    severity: "warning",
    meaning: "A listener is not opened: its protocol is not served yet, or it conflicts with another.",
  },
  "listener-set-not-attached": {
    severity: "warning",
    meaning:
      "The Gateway that a ListenerSet names is not there, or does not allow it, so none of its listeners is opened.",
  },
  "gateway-not-served": {
    severity: "warning",
    meaning:
      "A Gateway is of a class that this process does not serve, or asks for an address or for parameters that it cannot have.",
  },
  "session-name-collision": {
    severity: "warning",
    meaning:
      "Two sessions that a client meets use the same cookie or header, or a name of applications' own, so each overwrites the other's.",
  },
  "backend-approximated": {
    severity: "warning",
    meaning: "Endpoints of a backend could not all be used as written.",
  },
  "last-good-form": {
    severity: "warning",
    meaning: "The object is in error, so its last good form goes on being served.",
  },
} as const satisfies Record<string, FindingKind>;

export type FindingCode = keyof typeof FINDING_CODES;
