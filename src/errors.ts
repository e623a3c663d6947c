/**
 * The typed errors of ofsync. Match on `code`, never on the message: codes are stable, messages may improve.
 * `docs/errors.md` lists every code.
 */

/** Where in the input the fault lies. Every part that is known is given; the others are absent. */
export interface ErrorPlace {
  /** 1-based line of the text. */
  readonly line?: number;
  /** 1-based column (UTF-16 code units) of the first offending character. */
  readonly column?: number;
  /** 0-based byte offset in a message or byte string. */
  readonly offset?: number;
  /** The offending piece of the input, shortened. */
  readonly text?: string;
  /** Name or path of the field of an object, such as `priority` or `match.ipv4_dst`. */
  readonly field?: string;
  /** 0-based index of the flow in a batch. */
  readonly index?: number;
}

export interface OfsyncErrorOptions {
  readonly place?: ErrorPlace;
  /** What to write or do instead. */
  readonly hint?: string;
  /** The OpenFlow error name a switch would answer with, such as `OFPBMC_BAD_PREREQ`. */
  readonly openflowError?: string;
  readonly cause?: unknown;
}

const BRAND: unique symbol = Symbol.for("ofsync.error") as never;

/**
 * Base of every error that ofsync throws on purpose. `instanceof` works across two loaded copies of the package
 * (ES module and CommonJS), because it looks at a registered brand and not at the prototype.
 */
export class OfsyncError extends Error {
  /** Stable identifier, upper snake case, such as `FLOW_SYNTAX`. */
  readonly code: string;
  readonly place: ErrorPlace;
  readonly hint: string | undefined;
  readonly openflowError: string | undefined;

  constructor(code: string, message: string, options: OfsyncErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "OfsyncError";
    this.code = code;
    this.place = options.place ?? {};
    this.hint = options.hint;
    this.openflowError = options.openflowError;
    Object.defineProperty(this, BRAND, { value: true });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (typeof value !== "object" || value === null || !(BRAND in value)) return false;
    // biome-ignore lint/complexity/noThisInStatic: subclasses inherit this check and must compare with themselves
    return this === OfsyncError || Function.prototype[Symbol.hasInstance].call(this, value);
  }

  /** Plain data for logs and `--json` output. */
  toJSON(): Record<string, unknown> {
    return {
      code: this.code,
      message: this.message,
      ...(Object.keys(this.place).length > 0 ? { place: this.place } : {}),
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.openflowError === undefined ? {} : { openflowError: this.openflowError }),
    };
  }
}

/** Is this an {@link OfsyncError}, optionally with this code? */
export function isOfsyncError(value: unknown, code?: string): value is OfsyncError {
  return value instanceof OfsyncError && (code === undefined || value.code === code);
}
