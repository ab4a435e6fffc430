// What the objects that are made for a Gateway are called, and how they are known as Limpet's.
import { createHash } from "node:crypto";

/** Gateway API's own label for what is made for a Gateway (GEP-1762). */
export const GATEWAY_NAME_LABEL = "gateway.networking.k8s.io/gateway-name";
/** On everything that is made; objects without it are somebody else's. */
export const MANAGED_BY_LABEL = "app.kubernetes.io/managed-by";
export const MANAGED_BY = "limpet";
/** What was written last, in short: what is missing in it was taken out. */
export const APPLIED_ANNOTATION = "limpet.dev/applied";

const SUFFIX = "-limpet";
/** Of Services, which are DNS labels (RFC 1035), and of values of labels. */
const MAX_LENGTH = 63;
const DNS_LABEL = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

/** A Gateway's name is a DNS subdomain of up to 253 characters; where that is no name for a Service, a digest tells it apart. */
export function serviceName(gateway: string): string {
  const plain = `${gateway}${SUFFIX}`;
  if (plain.length <= MAX_LENGTH && DNS_LABEL.test(plain)) return plain;
  const readable = gateway.replaceAll(".", "-").replace(/^(?=[0-9])/, "gw-");
  return `${shortened(readable, gateway, MAX_LENGTH - SUFFIX.length)}${SUFFIX}`;
}

/** The name, or as much of it as a label can hold. */
export function labelValue(gateway: string): string {
  return gateway.length <= MAX_LENGTH ? gateway : shortened(gateway, gateway, MAX_LENGTH);
}

export function portName(port: number): string {
  return `port-${port}`;
}

/** Of a few bytes, enough for what nobody makes collide but in his own namespace. */
export function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

function shortened(text: string, whole: string, length: number): string {
  const tail = `-${digest(whole)}`;
  return `${text.slice(0, length - tail.length).replace(/[-.]+$/, "")}${tail}`;
}
