// Heads that are made of a list of fields: what the gateway says by itself, and what protocols without text hand over.
import type { HeaderFields, RequestHead, ResponseHead } from "../model/index.ts";
import { EditList } from "./header-edits.ts";

/** Fields, flat: lower-case name, value, name, value. */
export type FieldList = readonly string[];

class PlainFields implements HeaderFields {
  readonly fields: FieldList;
  readonly edits = new EditList();

  constructor(fields: FieldList) {
    this.fields = fields;
  }

  get(name: string): string | undefined {
    for (let at = 0; at < this.fields.length; at += 2) {
      if (this.fields[at] === name) return this.fields[at + 1];
    }
    return undefined;
  }

  getAll(name: string): readonly string[] {
    return this.fields.filter((_, at) => at % 2 === 1 && this.fields[at - 1] === name);
  }

  forEach(visit: (name: string, value: string) => void): void {
    for (let at = 0; at < this.fields.length; at += 2) {
      visit(this.fields[at] as string, this.fields[at + 1] as string);
    }
  }
}

export class PlainRequestHead extends PlainFields implements RequestHead {
  readonly method: string;
  readonly authority: string;
  readonly path: string;

  constructor(method: string, authority: string, path: string, fields: FieldList) {
    super(fields);
    this.method = method;
    this.authority = authority;
    this.path = path;
  }
}

/** The head as its edits make it, independent of the received one. */
export function copyRequestHead(head: RequestHead): PlainRequestHead {
  const edits = head.edits instanceof EditList ? head.edits : new EditList();
  const fields: string[] = [];
  head.forEach((name, value) => {
    const key = name.toLowerCase();
    if (!edits.drops(key)) fields.push(key, value);
  });
  let { authority } = head;
  for (let at = 0; at < edits.lines.length; at += 2) {
    const name = edits.lines[at] as string;
    const value = edits.lines[at + 1] as string;
    if (name === "host") authority = value;
    else fields.push(name, value);
  }
  return new PlainRequestHead(head.method, authority, head.path, fields);
}

export class PlainResponseHead extends PlainFields implements ResponseHead {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, fields: FieldList) {
    super(fields);
    this.status = status;
    this.reason = reason;
  }
}
