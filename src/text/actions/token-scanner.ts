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
