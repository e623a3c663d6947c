/** Longest line that is read, in UTF-16 code units; a flow that fits in an OpenFlow message is far shorter. */
export const MAX_LINE: number = 1 << 20;

/** One line of a text, without its line end. */
export interface TextLine {
  readonly text: string;
  /** 1-based. */
  readonly line: number;
  /** The line was longer than {@link MAX_LINE}; `text` is its start. */
  readonly tooLong: boolean;
}

/**
 * Cuts chunks of text or UTF-8 bytes into lines. Chunks may end anywhere. Memory stays bounded: of a line that is too long only the
 * start is kept.
 */
export class LineSplitter {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #line = 0;
  #overflow = false;

  /** The lines that end in this chunk. */
  *push(chunk: string | Uint8Array): Generator<TextLine> {
    const text = typeof chunk === "string" ? chunk : this.#decoder.decode(chunk, { stream: true });
    let from = 0;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
      this.#keep(text, from, at);
      from = at + 1;
      yield this.#take();
    }
    this.#keep(text, from, text.length);
  }

  /** The last line, when it has no line end. */
  *end(): Generator<TextLine> {
    this.#keep(this.#decoder.decode(), 0, Number.MAX_SAFE_INTEGER);
    if (this.#rest !== "" || this.#overflow) yield this.#take();
  }

  #keep(text: string, from: number, to: number): void {
    const room = MAX_LINE - this.#rest.length;
    const piece = text.slice(from, to);
    if (piece.length > room) this.#overflow = true;
    this.#rest += piece.length > room ? piece.slice(0, room) : piece;
  }

  #take(): TextLine {
    const rest = this.#rest;
    const tooLong = this.#overflow;
    this.#rest = "";
    this.#overflow = false;
    this.#line++;
    return { text: rest.endsWith("\r") ? rest.slice(0, -1) : rest, line: this.#line, tooLong };
  }
}
