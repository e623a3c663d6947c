import type { Terminal } from "./terminal.ts";

/** One `--option` of a command. */
export interface OptionSpec {
  readonly type: "boolean" | "string";
  /** One letter. */
  readonly short?: string;
  /** Placeholder of the value in the help, such as `VERSION`. */
  readonly value?: string;
  readonly help: string;
}

/** A command of the table in `run.ts`. */
export interface Command {
  /** How it is called, without `ofsync`, such as `diff [OPTIONS] A B`. */
  readonly usage: string;
  /** What it does, why, and examples: shown by `--help` above the options. */
  readonly help: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Does the work and gives the exit status. */
  run(input: Arguments, terminal: Terminal): Promise<number>;
}

/** The parsed command line of one command. */
export class Arguments {
  readonly operands: readonly string[];
  readonly #values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

  constructor(
    values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>,
    operands: readonly string[],
  ) {
    this.#values = values;
    this.operands = operands;
  }

  /** Was this switch given? */
  has(name: string): boolean {
    return this.#values[name] === true;
  }

  /** `true` for `--name`, `false` for `--no-name`, `undefined` for neither. */
  choice(name: string): boolean | undefined {
    return this.has(name) ? true : this.has(`no-${name}`) ? false : undefined;
  }

  /** The value of an option, if given. */
  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === "string" ? value : undefined;
  }

  /** The value of an option that must be a whole number. */
  number(name: string, min: number, max: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
      throw new UsageError(`--${name} is "${text}", but must be a whole number from ${min} to ${max}`);
    }
    return value;
  }
}

/** The command line itself is wrong: told together with where to find help. */
export class UsageError extends Error {}

/** Something outside ofsync went wrong (a file, a switch): told as it is, without a stack. */
export class CommandFailure extends Error {}
