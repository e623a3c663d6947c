import { type ErrorPlace, OfsyncError } from "../errors.ts";
import type { PortNames } from "./ports.ts";

export interface FaultOptions {
  readonly hint?: string;
  /** Name of the OpenFlow error that a switch would answer with. */
  readonly openflowError?: string;
  /** The offending text, when it is not `text.slice(start, end)`. */
  readonly text?: string;
}

/** Text in which a value stands, with what is needed to read it and the way to report what is wrong. Offsets are 0-based. */
export interface ValueText {
  readonly text: string;
  readonly ports: PortNames | undefined;
  /** `ovs`: exactly what ovs-ofctl takes, as it takes it. */
  readonly compat: "strict" | "ovs";
  /** Throws the error `code` at `text[start, end)`. */
  fail(code: string, message: string, start: number, end: number, options?: FaultOptions): never;
  /** Throws like `fail`, or notes a warning and returns where the reader is to do as ovs-ofctl does. */
  lenient(code: string, message: string, start: number, end: number, options?: FaultOptions): void;
}

/** A value that stands alone, in a field of an object: always strict, and errors name the field. */
export class LoneValueText implements ValueText {
  readonly text: string;
  readonly ports: PortNames | undefined;
  readonly compat = "strict";
  readonly #field: string;

  constructor(text: string, field: string, ports?: PortNames) {
    this.text = text;
    this.ports = ports;
    this.#field = field;
  }

  fail(code: string, message: string, start: number, end: number, options: FaultOptions = {}): never {
    const place: ErrorPlace = { field: this.#field, column: start + 1, text: options.text ?? this.text.slice(start, end) };
    throw new OfsyncError(code, message, {
      place,
      ...(options.hint === undefined ? {} : { hint: options.hint }),
      ...(options.openflowError === undefined ? {} : { openflowError: options.openflowError }),
    });
  }

  lenient(code: string, message: string, start: number, end: number, options: FaultOptions = {}): void {
    this.fail(code, message, start, end, options);
  }
}
