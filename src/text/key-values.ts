/**
 * Splits `key`, `key=value`, `key:value` and `key(value)` at commas and white space the way ovs-ofctl does: parentheses in a value
 * nest, and `key(x)->y` is one part. Offsets are 0-based in the text; values have their delimiters taken off.
 */
export class KeyValues {
  readonly #text: string;
  readonly #end: number;
  #at: number;
  /** Where the key starts and ends. */
  keyStart = 0;
  keyEnd = 0;
  /** Where the value starts and ends; both at the key's end when there is none. */
  valueStart = 0;
  valueEnd = 0;
  /** The character between key and value; 0 when there is none. */
  delimiter = 0;

  constructor(text: string, start: number, end: number) {
    this.#text = text;
    this.#at = start;
    this.#end = end;
  }

  get key(): string {
    return this.#text.slice(this.keyStart, this.keyEnd);
  }

  get value(): string {
    return this.#text.slice(this.valueStart, this.valueEnd);
  }

  /** Moves to the next part; false at the end. */
  next(): boolean {
    const text = this.#text;
    const end = this.#end;
    let at = this.#at;
    while (at < end && isSeparator(text.charCodeAt(at))) at++;
    if (at >= end) {
      this.#at = at;
      return false;
    }
    this.keyStart = at;
    let code = 0;
    for (; at < end; at++) {
      code = text.charCodeAt(at);
      if (code === COLON || code === EQUALS || code === OPEN || isSeparator(code)) break;
    }
    this.keyEnd = at;
    this.valueStart = at;
    this.valueEnd = at;
    this.delimiter = at < end ? code : 0;
    if (at >= end) {
      this.#at = at;
      return true;
    }
    at++;
    if (code !== COLON && code !== EQUALS && code !== OPEN) {
      this.delimiter = 0;
      this.#at = at;
      return true;
    }
    this.valueStart = at;
    at = this.#value(at, code === OPEN);
    if (code === OPEN && text.startsWith(")->", at) && at + 2 < end) at = this.#value(at, false);
    this.valueEnd = at;
    this.#at = Math.min(at + 1, end);
    return true;
  }

  #value(from: number, untilClose: boolean): number {
    const text = this.#text;
    const end = this.#end;
    let at = from;
    while (at < end) {
      const code = text.charCodeAt(at);
      if (untilClose ? code === CLOSE : isSeparator(code)) break;
      if (code !== OPEN) {
        at++;
        continue;
      }
      let level = 0;
      do {
        if (at >= end) return end;
        const inner = text.charCodeAt(at);
        if (inner === OPEN) level++;
        else if (inner === CLOSE) level--;
        at++;
      } while (level > 0);
    }
    return at;
  }
}

const COLON = 58;
const EQUALS = 61;
const OPEN = 40;
const CLOSE = 41;

function isSeparator(code: number): boolean {
  return code === 44 || code === 32 || code === 9 || code === 13 || code === 10;
}
