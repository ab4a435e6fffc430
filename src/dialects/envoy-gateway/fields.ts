// Field types that several kinds of Envoy Gateway share.
import { z } from "zod";
import { text } from "../schema/fields.ts";

/** What Envoy holds in 32 bits. */
export const count = z.int().min(0).max(4_294_967_295);

export const preciseHostname = text(
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  "a lower-case DNS name without port and wildcard",
  "shop.example",
  253,
);
