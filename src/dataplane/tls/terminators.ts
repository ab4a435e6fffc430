// The terminators of one snapshot: listeners that answer handshakes alike share one, and the next snapshot takes it over.
import type { Listener, ListenerTls } from "../../model/index.ts";
import { Terminator, terminatorKey } from "./terminator.ts";
import { TicketSeal } from "./ticket-seal.ts";

export class Terminators {
  readonly seal: TicketSeal;
  readonly #byKey: ReadonlyMap<string, Terminator>;

  private constructor(seal: TicketSeal, byKey: ReadonlyMap<string, Terminator>) {
    this.seal = seal;
    this.#byKey = byKey;
  }

  static none(): Terminators {
    return new Terminators(new TicketSeal(), new Map());
  }

  /** Those of the next snapshot; stops after every listener. */
  *updating(listeners: readonly Listener[]): Generator<void, Terminators> {
    const byKey = new Map<string, Terminator>();
    for (const { tls } of listeners) {
      if (tls === undefined) continue;
      const key = keyOf(tls);
      if (!byKey.has(key)) byKey.set(key, this.#byKey.get(key) ?? new Terminator(tls, this.seal));
      yield;
    }
    return new Terminators(this.seal, byKey);
  }

  /** For a listener that was among those of `updating`. */
  of(tls: ListenerTls): Terminator {
    return this.#byKey.get(keyOf(tls)) as Terminator;
  }
}

/** Listeners that did not change are the same objects in the next snapshot. */
const keys = new WeakMap<ListenerTls, string>();

function keyOf(tls: ListenerTls): string {
  let key = keys.get(tls);
  if (key === undefined) {
    key = terminatorKey(tls);
    keys.set(tls, key);
  }
  return key;
}
