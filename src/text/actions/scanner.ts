/** How ovs-ofctl cuts the text of actions into pieces. Offsets are in the whole text; nothing is copied. */

function isGap(code: number): boolean {
  return code === 44 || code === 32 || code === 9 || code === 13 || code === 10;
}

/**
 * Walks over `key`, `key:value`, `key=value` and `key(value)`, separated by commas or white space. Call {@link next} until it
 * returns false; the offsets are those of the pair it found.
 */
export class KeyValueScanner {
  readonly #text: string;
  readonly #end: number;
  #at: number;
  keyStart = 0;
  keyEnd = 0;
  /** Empty range when there is no value. */
  valueStart = 0;
  valueEnd = 0;

  constructor(text: string, start: number, end: number) {
    this.#text = text;
    this.#at = start;
    this.#end = end;
  }

  next(): boolean {
    const text = this.#text;
    const end = this.#end;
    let at = this.#at;
    while (at < end && isGap(text.charCodeAt(at))) at++;
    this.#at = at;
    if (at >= end) return false;
    this.keyStart = at;
    while (at < end) {
      const code = text.charCodeAt(at);
      if (code === 58 || code === 61 || code === 40 || isGap(code)) break;
      at++;
    }
    this.keyEnd = at;
    const delimiter = at < end ? text.charCodeAt(at) : 0;
    if (at < end) at++;
    if (delimiter !== 58 && delimiter !== 61 && delimiter !== 40) {
      this.valueStart = this.valueEnd = this.keyEnd;
      this.#at = at;
      return true;
    }
    this.valueStart = at;
    at = this.#value(at, delimiter === 40);
    // "name(x)->y": the value is "x)->y".
    if (
      delimiter === 40 &&
      at + 2 < end &&
      text.charCodeAt(at) === 41 &&
      text.charCodeAt(at + 1) === 45 &&
      text.charCodeAt(at + 2) === 62
    ) {
      at = this.#value(at, false);
    }
    this.valueEnd = at;
    this.#at = at < end ? at + 1 : at;
    return true;
  }

  get key(): string {
    return this.#text.slice(this.keyStart, this.keyEnd);
  }

  get value(): string {
    return this.#text.slice(this.valueStart, this.valueEnd);
  }

  // Parentheses inside a value hide what is in them.
  #value(from: number, untilClose: boolean): number {
    const text = this.#text;
    const end = this.#end;
    let at = from;
    let level = 0;
    for (; at < end; at++) {
      const code = text.charCodeAt(at);
      if (code === 40) level++;
      else if (level > 0) {
        if (code === 41) level--;
      } else if (untilClose ? code === 41 : isGap(code)) break;
    }
    return at;
  }
}

/** Cuts tokens off a text like C's `strtok_r`. */
export class TokenScanner {
  readonly #text: string;
  readonly #end: number;
  #at: number;
  start = 0;
  stop = 0;

  constructor(text: string, start: number, end: number) {
    this.#text = text;
    this.#at = start;
    this.#end = end;
  }

  /** The next token between any of `delimiters`; `undefined` when there is none. Its offsets are in `start` and `stop`. */
  next(delimiters: string): string | undefined {
    let at = this.#at;
    while (at < this.#end && delimiters.includes(this.#text[at] as string)) at++;
    if (at >= this.#end) {
      this.#at = at;
      return undefined;
    }
    this.start = at;
    while (at < this.#end && !delimiters.includes(this.#text[at] as string)) at++;
    this.stop = at;
    this.#at = at < this.#end ? at + 1 : at;
    return this.#text.slice(this.start, this.stop);
  }
}
