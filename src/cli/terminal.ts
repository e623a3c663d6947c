const FLUSH_AT = 64 * 1024;

/** Exit status of a program that wrote to a pipe nobody reads any more (128 + SIGPIPE). */
const BROKEN_PIPE = 141;

const STYLES = { red: "31", green: "32", yellow: "33", cyan: "36", bold: "1", dim: "2" } as const;

export type Style = keyof typeof STYLES;

/**
 * Standard output and standard error. Output is collected and written in large pieces; whoever writes much awaits
 * {@link Terminal.drained} now and then, so that memory stays bounded when the reader is slow. A reader that goes away
 * (`| head`) ends the process quietly.
 */
export class Terminal {
  readonly #out = process.stdout;
  readonly #err = process.stderr;
  readonly #colourOut: boolean;
  readonly #colourErr: boolean;
  #pending = "";
  #full = false;

  constructor() {
    const wanted = (process.env.NO_COLOR ?? "") === "" && process.env.TERM !== "dumb";
    this.#colourOut = wanted && this.#out.isTTY === true;
    this.#colourErr = wanted && this.#err.isTTY === true;
    this.#out.on("error", leaveOnBrokenPipe);
    this.#err.on("error", leaveOnBrokenPipe);
  }

  /** Is somebody looking at standard error? Progress is shown only then. */
  get watched(): boolean {
    return this.#err.isTTY === true;
  }

  /** Width of the terminal that standard error goes to. */
  get columns(): number {
    return this.#err.columns ?? 80;
  }

  /** Appends to standard output. */
  write(text: string): void {
    this.#pending += text;
    if (this.#pending.length >= FLUSH_AT) this.flush();
  }

  line(text: string): void {
    this.write(`${text}\n`);
  }

  /** Hands everything collected so far to the system. */
  flush(): void {
    if (this.#pending === "") return;
    if (!this.#out.write(this.#pending)) this.#full = true;
    this.#pending = "";
  }

  /** Resolves when the reader of standard output has caught up. */
  async drained(): Promise<void> {
    if (!this.#full) return;
    this.#full = false;
    if (this.#out.writableNeedDrain) await new Promise<void>((resolve) => this.#out.once("drain", resolve));
  }

  /** Writes a line to standard error at once, after what standard output has collected. */
  note(text: string): void {
    this.flush();
    this.#err.write(`${text}\n`);
  }

  /** Draws over the present line of a watched standard error; `""` wipes it. */
  redraw(text: string): void {
    if (this.watched) this.#err.write(`\r\x1b[2K${text}`);
  }

  /** `text` for standard output, coloured when that is wanted. */
  paint(style: Style, text: string): string {
    return this.#colourOut ? `\x1b[${STYLES[style]}m${text}\x1b[0m` : text;
  }

  /** `text` for standard error, coloured when that is wanted. */
  paintNote(style: Style, text: string): string {
    return this.#colourErr ? `\x1b[${STYLES[style]}m${text}\x1b[0m` : text;
  }

  /** Writes what is left and sets the exit status. */
  leave(status: number): void {
    this.flush();
    process.exitCode = status;
  }
}

function leaveOnBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(BROKEN_PIPE);
  throw error;
}
