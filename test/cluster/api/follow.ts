// Follows all objects of a kind: a list, then a watch, and both anew whatever happens.
import {
  ApiError,
  type KubernetesClient,
  type KubernetesObject,
  type WatchEvent,
} from "../../../src/kubernetes/api/client.ts";

export interface Follower<T> {
  /** As it is now; for a new list also where nothing changed. */
  onObject(object: T): void;
  onGone(object: T): void;
}

const RETRY_MS = 200;
/** The API server sends a bookmark a minute. */
const QUIET_LIMIT_MS = 120_000;

/** Resolves after `signal`. */
export async function follow<T extends KubernetesObject>(
  client: KubernetesClient,
  path: string,
  signal: AbortSignal,
  { onObject, onGone }: Follower<T>,
): Promise<void> {
  let known = new Map<string, T>();
  const uidOf = (object: T) => object.metadata.uid as string;
  while (!signal.aborted) {
    try {
      const list = await client.request<{ metadata: { resourceVersion: string }; items: T[] }>("GET", path);
      const before = known;
      known = new Map(list.items.map((object) => [uidOf(object), object]));
      for (const [uid, object] of before) if (!known.has(uid)) onGone(object);
      for (const object of list.items) onObject(object);
      let { resourceVersion } = list.metadata;
      const onEvent = ({ type, object }: WatchEvent) => {
        if (type === "ERROR") throw new ApiError("the watch is too old", { status: 410 });
        resourceVersion = object.metadata.resourceVersion ?? resourceVersion;
        if (type === "BOOKMARK") return;
        if (type === "DELETED") known.delete(uidOf(object as T));
        else known.set(uidOf(object as T), object as T);
        (type === "DELETED" ? onGone : onObject)(object as T);
      };
      while (!signal.aborted)
        await client.watch(path, { resourceVersion }, { onEvent, quietLimitMs: QUIET_LIMIT_MS, signal });
    } catch (error) {
      if (!(error instanceof ApiError) && !signal.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
