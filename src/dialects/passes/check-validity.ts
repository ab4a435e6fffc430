// Last pass: which of the certificates that are in use are expired, or not yet valid; the only one that knows the time.
import type { Backend, Certificate, Listener, ObjectRef, TrustBundle } from "../../model/index.ts";
import { certificatesIn, type Validity, validityOf } from "../core/pem.ts";
import { draftFinding, type FindingDraft } from "../findings.ts";
import type { Recall } from "../memory.ts";

/** They are served all the same: who connects refuses them, and tells its user more than a closed port would. */
export function checkValidity(
  listeners: readonly Listener[],
  backends: readonly Backend[],
  nowMs: number | undefined,
  recall: Recall,
): readonly FindingDraft[] {
  if (nowMs === undefined) return [];
  const used = recall.result("credentials in use", "", [listeners, backends], () => {
    return credentialsIn(listeners, backends);
  });
  return used.flatMap((credential) => {
    const validity = recall.result("validity", credential, [], () => validityIn(credential));
    const isOut = validity !== undefined && (nowMs > validity.notAfterMs || nowMs < validity.notBeforeMs);
    if (!isOut) return [];
    const isOver = nowMs > validity.notAfterMs;
    return [
      recall.result("out of time", credential, [isOver], () => outOfTime(credential, isOver, validity)),
    ];
  });
}

type Credential = Certificate | TrustBundle;

/** Each once, by the object that holds it. */
function credentialsIn(listeners: readonly Listener[], backends: readonly Backend[]): readonly Credential[] {
  const towardsClients = listeners.flatMap(({ tls, backendCertificate }) => [
    ...(tls?.certificates ?? []),
    ...(tls?.clientValidation?.trust ?? []),
    ...(backendCertificate === undefined ? [] : [backendCertificate]),
  ]);
  const towardsEndpoints = backends.flatMap(({ tls }) => [
    ...(typeof tls?.trust === "object" ? tls.trust : []),
    ...(tls?.clientCertificate === undefined ? [] : [tls.clientCertificate]),
  ]);
  const byPlace = new Map<string, Credential>();
  for (const credential of [...towardsClients, ...towardsEndpoints]) {
    const place = `${"chain" in credential ? "chain" : "trust"} ${credential.id}`;
    if (!byPlace.has(place)) byPlace.set(place, credential);
  }
  return [...byPlace.values()];
}

/** Of a chain that of its leaf; of authorities, which age one by one, the whole time in which there is any. */
function validityIn(credential: Credential): Validity | undefined {
  if ("chain" in credential) return validityOf(credential.chain);
  const all = certificatesIn(credential.certificates)
    .map(validityOf)
    .filter((one) => one !== undefined);
  if (all.length === 0) return undefined;
  return {
    notBeforeMs: Math.min(...all.map(({ notBeforeMs }) => notBeforeMs)),
    notAfterMs: Math.max(...all.map(({ notAfterMs }) => notAfterMs)),
  };
}

function outOfTime(credential: Credential, isOver: boolean, validity: Validity): FindingDraft {
  const what = "chain" in credential ? "the certificate" : "every authority";
  const time = new Date(isOver ? validity.notAfterMs : validity.notBeforeMs).toISOString();
  return draftFinding("certificate-out-of-time", holderOf(credential), [], {
    message: isOver ? `${what} expired at ${time}` : `${what} is not valid before ${time}`,
    expected: "a certificate whose time it is",
    hint: isOver
      ? "put a renewed certificate there"
      : "put one there that is valid already, or set the clock",
  });
}

/** A credential is called after the object that holds it: `Secret/default/shop`. */
function holderOf({ id }: Credential): ObjectRef {
  const [kind = "", namespace = "", name = ""] = id.split("/");
  return { group: "", kind, namespace, name };
}
