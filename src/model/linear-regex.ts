// Writes a regular expression anew so that V8's linear engine can run it: without counts, groups that capture, and flags.

/** Atoms that repeats may become: each may cost a step for every character of a value. RE2 counts up to 1000. */
const MAX_REPEATED = 1024;

/** What linear time is not to be had for; the message goes on behind "the expression ". */
export class NotLinear extends Error {}

/** A part of the expression as it is written anew. */
interface Written {
  readonly text: string;
  /** Characters and classes in it, groups and alternatives. */
  readonly atoms: number;
}

interface Flags {
  readonly ignoreCase: boolean;
  readonly dotAll: boolean;
}

/** Atoms that are more than one character already, or none: case does not count for them. */
const CLASS_ESCAPE = /^\\[dDwWsSbB]$/;
/** An escape as a whole; what it stands for is for V8 to know. */
const ESCAPE = /\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|c[A-Za-z]|[\s\S])/y;
const CHARACTER_CLASS = /\[(\^?)((?:\\[\s\S]|[^\]\\])*)\]/y;
const QUANTIFIER = /([*+?]|\{(\d+)(?:(,)(\d*))?\})\??/y;
const GROUP = /\((?:\?(?:<[^>]*>|([a-z]*)(?:-([a-z]+))?:))?/y;
const ANY = "[\\s\\S]";
const NONE = "[^\\s\\S]";
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/**
 * Takes the same whole values as `source`, which must be an expression that JavaScript compiles. V8 has its linear engine
 * take over where backtracking goes on for too long, but neither where a count is beyond sixteen, counts within counts
 * included, nor where case is ignored: so what is counted is written out, as RE2 does it, and so are both cases.
 *
 * @throws NotLinear where that would get too long
 */
export function linearRegex(source: string, flags: Flags): string {
  return new Rewriter(source).alternatives(flags).text;
}

class Rewriter {
  readonly #source: string;
  #at = 0;
  #repeatedAtoms = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** Up to the end, or to the `)` of a group. */
  alternatives(flags: Flags): Written {
    let text = "";
    let atoms = 0;
    while (this.#at < this.#source.length && this.#source[this.#at] !== ")") {
      const part = this.#source[this.#at] === "|" ? plain(this.#one()) : this.#repeated(flags);
      text += part.text;
      atoms += part.atoms;
    }
    return { text, atoms };
  }

  #one(): string {
    return this.#source[this.#at++] as string;
  }

  #repeated(flags: Flags): Written {
    const atom = this.#atom(flags);
    const quantifier = this.#take(QUANTIFIER);
    if (quantifier === undefined) return atom;
    const [, sign, least = "1", comma, most] = quantifier;
    const { text, atoms } = atom;
    if (sign === "*" || sign === "?") return { text: `${text}${sign}`, atoms };
    const minimum = Number(least);
    const isOpen = sign === "+" || most === "";
    const optional = isOpen || comma === undefined ? 0 : Number(most) - minimum;
    const all = atoms * (minimum + optional + (isOpen ? 1 : 0));
    this.#repeatedAtoms += all;
    if (!(this.#repeatedAtoms <= MAX_REPEATED && minimum + optional <= MAX_REPEATED)) {
      throw new NotLinear(
        `repeats too much: written out it has more than ${MAX_REPEATED} characters and classes`,
      );
    }
    // Greedy or not: of whole values that makes no difference.
    const rest = isOpen ? `${text}*` : `${text}?`.repeat(optional);
    return { text: `${text.repeat(minimum)}${rest}` || "(?:)", atoms: all };
  }

  #atom(flags: Flags): Written {
    const next = this.#source[this.#at];
    if (next === "(") return this.#group(flags);
    return { text: next === "[" ? this.#characterClass(flags) : this.#character(flags), atoms: 1 };
  }

  #character(flags: Flags): string {
    const escaped = this.#take(ESCAPE)?.[0];
    if (escaped !== undefined) return CLASS_ESCAPE.test(escaped) ? escaped : eitherCase("", escaped, flags);
    const character = this.#one();
    if (character === ".") return flags.dotAll ? ANY : ".";
    // Where it begins no count JavaScript takes it as it is, which what stands before it now must not change.
    if (character === "{") return "\\{";
    return "^$".includes(character) ? character : eitherCase("", character, flags);
  }

  #group(flags: Flags): Written {
    const [, on = "", off = ""] = this.#take(GROUP) as RegExpExecArray;
    if (`${on}${off}`.includes("m")) throw new NotLinear("has the flag m, which would weaken its anchors");
    const inside: Flags = {
      ignoreCase: off.includes("i") ? false : flags.ignoreCase || on.includes("i"),
      dotAll: off.includes("s") ? false : flags.dotAll || on.includes("s"),
    };
    const { text, atoms } = this.alternatives(inside);
    this.#at += 1;
    // An empty one, too, is a step that can be counted without end.
    return { text: `(?:${text})`, atoms: atoms + 1 };
  }

  #characterClass(flags: Flags): string {
    const [, negation = "", content = ""] = this.#take(CHARACTER_CLASS) as RegExpExecArray;
    if (content === "") return negation === "" ? NONE : ANY;
    return eitherCase(`[${negation}`, content, flags);
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source);
    if (found === null) return undefined;
    this.#at = pattern.lastIndex;
    return found;
  }
}

/** @param open how the class of `content` begins; "": it is one character, and needs no class */
function eitherCase(open: string, content: string, { ignoreCase }: Flags): string {
  const text = open === "" ? content : `${open}${content}]`;
  if (!ignoreCase) return text;
  // Nearly all are one character, and a thousand of them should not cost a thousand expressions.
  if (text.length === 1) return LETTERS.includes(text) ? `[${swapped(text)}${text}]` : text;
  const own = new RegExp(`[${content}]`);
  const added = [...LETTERS].filter((letter) => own.test(swapped(letter)) && !own.test(letter)).join("");
  if (added === "") return text;
  // In front, where no hyphen at the end of the content would make it a range.
  return `${open || "["}${added}${content.replace(/^-/, "\\-")}]`;
}

function swapped(letter: string): string {
  return letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
}

function plain(text: string): Written {
  return { text, atoms: 1 };
}
