// The Secret with the keys of session tokens: made by whichever replica is first, read and followed by all of them.
import type { ObjectRef } from "../model/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { MANAGED_BY, MANAGED_BY_LABEL } from "./addresses/names.ts";
import { ApiError, type KubernetesClient } from "./api/client.ts";
import { Backoff, pause } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import { objectAt, textAt } from "./json.ts";
import { apiPath, type ClusterView } from "./watch/cluster-view.ts";
import { SECRETS } from "./watch/watched-kinds.ts";

/** Key of the Secret's data: the text of a key file. */
export const KEYS_ENTRY = "keys";
/** Of a key, in bytes: AES-256. */
const KEY_SIZE = 32;

/** Keys that somebody else keeps than who uses them. */
export interface KeptKeys {
  /** For messages. */
  readonly place: string;
  /** The text of a key file, as soon as there is one: without it tokens would not be sealed. Rejects once it is stopped. */
  read(): Promise<string>;
  /** Calls back when `read` would answer another text than it did last. */
  follow(onChange: () => void): void;
}

export interface SessionKeySecretOptions {
  readonly client: KubernetesClient;
  readonly view: ClusterView;
  readonly namespace: string;
  readonly name: string;
  readonly randomBytes: (size: number) => Buffer;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Pick<Logger, "info" | "warn">;
}

export class SessionKeySecret implements KeptKeys {
  readonly #options: SessionKeySecretOptions;
  readonly #ref: ObjectRef;
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  #text: string | undefined;
  #onChange: () => void = () => {};
  #wake: () => void = () => {};

  constructor(options: SessionKeySecretOptions) {
    this.#options = options;
    const { namespace, name, random } = options;
    this.#ref = { group: "", kind: "Secret", namespace, name };
    this.#backoff = new Backoff(random);
  }

  /** With the entry: whoever put keys under another name has to see which one is read. */
  get place(): string {
    return `Secret ${this.#ref.namespace}/${this.#ref.name}, data.${KEYS_ENTRY}`;
  }

  async read(): Promise<string> {
    const { clock } = this.#options;
    while (!this.#stop.signal.aborted) {
      // While it is gone, what was read last stays: another key would end every session of this replica.
      const text = this.#known() ?? this.#text ?? (await this.#make());
      if (text !== undefined) {
        this.#text = text;
        return text;
      }
      const turn = new AbortController();
      this.#wake = () => turn.abort();
      await pause(clock, this.#backoff.nextMs(), AbortSignal.any([turn.signal, this.#stop.signal]));
    }
    throw new Error(`${this.place} is waited for no more`);
  }

  follow(onChange: () => void): void {
    this.#onChange = onChange;
    // It may have changed since it was read.
    this.viewChanged();
  }

  viewChanged(): void {
    const text = this.#known();
    if (text === undefined) return;
    this.#wake();
    if (this.#text !== undefined && text !== this.#text) this.#onChange();
  }

  stop(): void {
    this.#stop.abort();
  }

  #known(): string | undefined {
    const secret = this.#options.view.object(this.#ref);
    if (secret === undefined) return undefined;
    return Buffer.from(textAt(objectAt(secret, "data"), KEYS_ENTRY) ?? "", "base64").toString("utf8");
  }

  /** Undefined: there is one already, or none can be made now. */
  async #make(): Promise<string | undefined> {
    const { client, randomBytes, logger } = this.#options;
    const { namespace, name } = this.#ref;
    const text = `${randomBytes(KEY_SIZE).toString("base64")}\n`;
    const body = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, namespace, labels: { [MANAGED_BY_LABEL]: MANAGED_BY } },
      type: "Opaque",
      data: { [KEYS_ENTRY]: Buffer.from(text).toString("base64") },
    };
    try {
      const signal = this.#stop.signal;
      await client.request("POST", apiPath(SECRETS, namespace), { body, signal });
      logger.info({ secret: this.place }, "made the key of session tokens");
      return text;
    } catch (error) {
      const isThere = error instanceof ApiError && error.reason === "AlreadyExists";
      if (!isThere && !this.#stop.signal.aborted) {
        const reason = (error as Error).message;
        logger.warn(
          { secret: this.place, reason },
          "there are no keys of session tokens, and none can be made",
        );
      }
      return undefined;
    }
  }
}
