// Changes to a head that is passed on, kept apart from the received fields until a protocol writes them.
import type { HeadEdits, HeaderFields } from "../model/index.ts";

const NONE: readonly string[] = [];

/**
 * Collects edits for one head. A writer skips every received field whose name is in `dropped` and appends `lines`.
 * Names are kept in lower case: that is how the gateway writes what it adds. An unedited list allocates nothing.
 */
export class EditList implements HeadEdits {
  #dropped: string[] | undefined;
  #lines: string[] | undefined;

  /** Nothing was changed: the received fields can be passed on as they are. */
  get isEmpty(): boolean {
    return this.#dropped === undefined && this.#lines === undefined;
  }

  /** Lower-case names of received fields that must not be written. */
  get dropped(): readonly string[] {
    return this.#dropped ?? NONE;
  }

  /** Fields to append, flat: name, value, name, value. */
  get lines(): readonly string[] {
    return this.#lines ?? NONE;
  }

  /** True when the received fields of this lower-case name are replaced or removed. */
  drops(name: string): boolean {
    return this.#dropped?.includes(name) ?? false;
  }

  /** The value of the first line to append of this lower-case name. */
  lineOf(name: string): string | undefined {
    const lines = this.lines;
    for (let at = 0; at < lines.length; at += 2) if (lines[at] === name) return lines[at + 1];
    return undefined;
  }

  set(name: string, value: string): void {
    const key = name.toLowerCase();
    this.#drop(key);
    this.#append(key, value);
  }

  add(name: string, value: string): void {
    this.#append(name.toLowerCase(), value);
  }

  remove(name: string): void {
    this.#drop(name.toLowerCase());
  }

  reset(): void {
    this.#dropped = undefined;
    this.#lines = undefined;
  }

  #drop(key: string): void {
    if (this.#dropped === undefined) this.#dropped = [key];
    else if (!this.#dropped.includes(key)) this.#dropped.push(key);
    if (this.#lines !== undefined) this.#forgetLines(this.#lines, key);
  }

  #forgetLines(lines: string[], key: string): void {
    for (let at = lines.length - 2; at >= 0; at -= 2) {
      if (lines[at] === key) lines.splice(at, 2);
    }
  }

  #append(key: string, value: string): void {
    if (this.#lines === undefined) this.#lines = [key, value];
    else this.#lines.push(key, value);
  }
}

/** Every value of a field as the edits leave it, in the order in which it is written. `name` is lower case. */
export function valuesAfterEdits(
  head: HeaderFields & { readonly edits: HeadEdits },
  name: string,
): readonly string[] {
  const { edits } = head;
  if (!(edits instanceof EditList)) return head.getAll(name);
  const added = edits.lines.filter((_, at) => at % 2 === 1 && edits.lines[at - 1] === name);
  return edits.drops(name) ? added : [...head.getAll(name), ...added];
}
