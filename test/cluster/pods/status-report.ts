// Writes a pod's status until the API server has what is so: one write at a time, none without a change.
import { ApiError } from "../../../src/kubernetes/api/client.ts";
import type { PodObjects } from "./objects.ts";
import { type Pod, podPath } from "./pod.ts";
import type { PodStatus } from "./pod-status.ts";

export class StatusReport {
  readonly #pod: Pod;
  readonly #objects: PodObjects;
  readonly #status: () => PodStatus;
  #written = "";
  #writing: Promise<void> | undefined;

  /** @param status what is so at the moment of asking */
  constructor(pod: Pod, objects: PodObjects, status: () => PodStatus) {
    this.#pod = pod;
    this.#objects = objects;
    this.#status = status;
  }

  /** Something may have changed. */
  update(): void {
    this.#writing ??= this.#write()
      .catch((error) => {
        if (!this.#objects.ended) process.stderr.write(`status of ${podPath(this.#pod)}: ${String(error)}\n`);
      })
      .finally(() => {
        this.#writing = undefined;
      });
  }

  async #write(): Promise<void> {
    for (;;) {
      // What follows at once goes into the same status.
      await Promise.resolve();
      const status = this.#status();
      const text = JSON.stringify(status);
      if (text === this.#written) return;
      await this.#patch({ metadata: { uid: this.#pod.metadata.uid }, status });
      this.#written = text;
    }
  }

  async #patch(body: unknown): Promise<void> {
    const contentType = "application/merge-patch+json";
    await this.#objects.persist(() =>
      this.#objects.client
        .request("PATCH", podPath(this.#pod, "/status"), { body, contentType })
        .catch((error) => {
          // The name is another pod's by now, or nobody's.
          if (error instanceof ApiError && (error.status === 404 || error.status === 409)) return;
          throw error;
        }),
    );
  }
}
