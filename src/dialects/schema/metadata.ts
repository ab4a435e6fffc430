// The metadata that every object has; only what a gateway reads is typed.
import { z } from "zod";

const labels = z.record(z.string(), z.string()).default({});

/** RFC 3339 with offset, as the API server writes it. */
export const time = z.iso.datetime({ offset: true });

export const metadata = z.looseObject({
  name: z.string().min(1).max(253),
  namespace: z.string().max(63).optional(),
  labels,
  uid: z.string().optional(),
  generation: z.number().optional(),
  creationTimestamp: time.optional(),
  /** When the object is to be gone: its grace period is over then. */
  deletionTimestamp: time.optional(),
  deletionGracePeriodSeconds: z.number().min(0).optional(),
});

export type Metadata = z.output<typeof metadata>;
