// The groups of Gateway API and the form of its hostnames.
import { text } from "../schema/fields.ts";

export const GATEWAY_GROUP = "gateway.networking.k8s.io";
/** Experimental kinds, whose names begin with X. */
export const EXPERIMENTAL_GROUP = "gateway.networking.x-k8s.io";

const LABELS = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";

/** Of one host; an IP address is none. */
export const preciseHostname = text(
  new RegExp(`^(?!\\d+\\.\\d+\\.\\d+\\.\\d+$)${LABELS}$`),
  "a lower-case DNS name without port and without *; no IP address",
  "shop.example.com",
  253,
);

/** Exact, or with `*.` in front; an IP address is none. */
export const hostname = text(
  new RegExp(`^(?!\\d+\\.\\d+\\.\\d+\\.\\d+$)(\\*\\.)?${LABELS}$`),
  "a lower-case DNS name without port, with *. in front or without; no IP address",
  "shop.example.com or *.example.com",
  253,
);
