// One YAML document: its plain value, its problems, and where each field stands.
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseAllDocuments,
} from "yaml";

/** Lines and columns from 1, within the document's text. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

export interface DocumentProblem {
  readonly severity: "error" | "warning";
  readonly at: TextPosition;
  readonly message: string;
  readonly hint: string;
}

export interface ParsedDocument {
  /** Undefined where the document is empty or unreadable. */
  readonly value: unknown;
  readonly problems: readonly DocumentProblem[];
  /** The key of a map entry, the start of a list item, or the nearest parent that exists. */
  position(path: readonly (string | number)[]): TextPosition;
}

/** Bound on alias expansion: what ten lines of "billion laughs" exceed and no manifest comes near. */
const MAX_ALIASES = 100;

/** Parses a text of (nearly always) one document; `...` may have put a second one behind it. */
export function parseDocuments(text: string): ParsedDocument[] {
  const { documents, lines } = trees(text);
  return documents.map((document, index) => ({
    ...contentOf(document, lines),
    position: positionFinder(text, index, { document, lines }),
  }));
}

function trees(text: string) {
  const lines = new LineCounter();
  const stream = parseAllDocuments<ParsedNode>(text, {
    lineCounter: lines,
    merge: true,
    prettyErrors: false,
  });
  return { documents: "empty" in stream ? [] : stream, lines };
}

function contentOf(document: Document<ParsedNode>, lines: LineCounter): Omit<ParsedDocument, "position"> {
  const problems: DocumentProblem[] = [...document.errors, ...document.warnings].map((problem) => ({
    severity: problem.name === "YAMLWarning" ? "warning" : "error",
    at: textPosition(lines, problem.pos[0]),
    message: firstSentence(problem.message),
    hint: HINTS[problem.code] ?? "correct the YAML at this place",
  }));
  if (document.errors.length > 0) return { value: undefined, problems };
  try {
    return { value: document.toJS({ maxAliasCount: MAX_ALIASES }) ?? undefined, problems };
  } catch (error) {
    const hint = `write the values out: at most ${MAX_ALIASES} uses of aliases are expanded, none to itself`;
    const at = textPosition(lines, document.range?.[0] ?? 0);
    problems.push({ severity: "error", at, message: firstSentence(String(error)), hint });
    return { value: undefined, problems };
  }
}

/**
 * A tree is some forty times the size of its value, and positions are asked for only where there are findings: so the
 * tree may go, and is parsed again if it went.
 */
function positionFinder(text: string, index: number, parsed: Located): ParsedDocument["position"] {
  let tree = new WeakRef(parsed);
  const known = new Map<string, TextPosition>();
  return (path) => {
    const key = JSON.stringify(path);
    let position = known.get(key);
    if (position === undefined) {
      let located = tree.deref();
      if (located === undefined) {
        const { documents, lines } = trees(text);
        located = { document: documents[index] as Document<ParsedNode>, lines };
        tree = new WeakRef(located);
      }
      position = textPosition(located.lines, offsetOf(located.document, path));
      known.set(key, position);
    }
    return position;
  };
}

interface Located {
  readonly document: Document<ParsedNode>;
  readonly lines: LineCounter;
}

function offsetOf(document: Document<ParsedNode>, path: readonly (string | number)[]): number {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => String(isScalar(item.key) ? item.key.value : item.key) === String(step),
      );
      if (pair === undefined) break;
      if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = isNode(pair.value) ? pair.value : null;
    } else if (isSeq(node)) {
      const item: unknown = node.items[Number(step)];
      if (!isNode(item)) break;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else break;
  }
  return offset;
}

function textPosition(lines: LineCounter, offset: number): TextPosition {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function firstSentence(message: string): string {
  const line = message.split("\n", 1)[0] as string;
  return line.replace(/^[A-Za-z]*Error: /, "").replace(/\.$/, "");
}

const HINTS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: "keep one of the entries with this key and remove the other",
  TAB_AS_INDENT: "indent with spaces",
  BAD_INDENT: "align the line with its siblings",
  MULTIPLE_DOCS: "put a line with --- between the documents",
};
