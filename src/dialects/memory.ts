// What one translation remembers for the next: results by their inputs, and the last good form of every object.
import type { Reading } from "./schema/read-object.ts";

interface Entry {
  readonly inputs: readonly unknown[];
  readonly result: unknown;
}

type Stages = ReadonlyMap<string, ReadonlyMap<unknown, Entry>>;

/** Opaque: hand it from one translation to the next. */
export interface TranslationMemory {
  readonly stages: Stages;
  /** By object key. No cache: an object in error goes on with what it said last. */
  readonly lastGood: ReadonlyMap<string, Reading>;
}

/**
 * One run's dealings with memory. Results are found again while all their inputs are the same objects, so answers are
 * those of a run without memory, only sooner. What a run does not ask for is forgotten after it.
 */
export class Recall {
  private readonly before: TranslationMemory | undefined;
  private readonly stages = new Map<string, Map<unknown, Entry>>();
  private readonly good = new Map<string, Reading>();

  constructor(before: TranslationMemory | undefined) {
    this.before = before;
  }

  /**
   * The remembered result if the inputs are identical, one by one, else that of `compute`. The key tells results of a
   * stage apart; where there are thousands, an object that stays the same is a quicker key than a text made anew.
   */
  result<R>(stage: string, key: unknown, inputs: readonly unknown[], compute: () => R): R {
    const known = this.before?.stages.get(stage)?.get(key);
    const entry =
      known !== undefined && sameItems(known.inputs, inputs) ? known : { inputs, result: compute() };
    this.stageOf(stage).set(key, entry);
    return entry.result as R;
  }

  /** The list itself, or the remembered one if it has the same items: makes a list fit to be an input. */
  list<T>(stage: string, key: string, items: readonly T[]): readonly T[] {
    return this.result(stage, key, items, () => items);
  }

  lastGood(key: string): Reading | undefined {
    return this.before?.lastGood.get(key);
  }

  keepAsGood(key: string, reading: Reading): void {
    this.good.set(key, reading);
  }

  /** What the next run gets. */
  memory(): TranslationMemory {
    return { stages: this.stages, lastGood: this.good };
  }

  private stageOf(name: string): Map<unknown, Entry> {
    let stage = this.stages.get(name);
    if (stage === undefined) {
      stage = new Map();
      this.stages.set(name, stage);
    }
    return stage;
  }
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}
