// Cuts a YAML stream into its documents before any parsing, so that a broken one cannot hide the next.

export interface DocumentText {
  readonly text: string;
  /** Line of the file, from 1, on which the text begins. */
  readonly firstLine: number;
}

const NOTHING_YET = /^(?:[ \t]*(?:#.*)?|%.*)$/;

/**
 * A line that begins with `---` always starts a document: no scalar may hold one (YAML 1.2 section 9.1.2). Directives
 * and comments in front of it belong to the document that follows.
 */
export function splitDocuments(text: string): DocumentText[] {
  const parts: DocumentText[] = [];
  let begin = 0;
  let beginLine = 1;
  let onlyPreamble = true;
  let line = 1;
  for (let at = 0; at < text.length; line++) {
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline;
    const content = text.slice(at, end > at && text.charCodeAt(end - 1) === 13 ? end - 1 : end);
    if (/^---(?=\s|$)/.test(content)) {
      if (!onlyPreamble) {
        parts.push({ text: text.slice(begin, at), firstLine: beginLine });
        begin = at;
        beginLine = line;
      }
      onlyPreamble = false;
    } else if (onlyPreamble && !NOTHING_YET.test(content)) {
      onlyPreamble = false;
    }
    at = end + 1;
  }
  parts.push({ text: text.slice(begin), firstLine: beginLine });
  return parts;
}
