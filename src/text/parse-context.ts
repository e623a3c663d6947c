import { OfsyncError } from "../errors.ts";
import type { PortNames } from "../flow/ports.ts";
import type { FaultOptions, ValueText } from "../flow/value-text.ts";
import { type OpenFlowVersion, wireVersionOf } from "../flow/version.ts";

export type { PortNames } from "../flow/ports.ts";
export type { FaultOptions } from "../flow/value-text.ts";

/** How strictly text is read: `strict` refuses what ovs-ofctl would silently change; `ovs` does exactly as ovs-ofctl does. */
export type Compat = "strict" | "ovs";

/** Something that `compat: "ovs"` changed silently, as ovs-ofctl does. */
export interface ParseWarning {
  readonly code: string;
  readonly message: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
}

/** What every part of the text parser shares: the text, the settings, and the way to report. Offsets are 0-based in `text`. */
export class ParseContext implements ValueText {
  readonly text: string;
  /** 1-based line number of `text` in its file. */
  readonly line: number;
  readonly compat: Compat;
  readonly version: OpenFlowVersion;
  readonly ports: PortNames | undefined;
  readonly #warn: ((warning: ParseWarning) => void) | undefined;

  constructor(
    text: string,
    options: {
      readonly line?: number;
      readonly compat?: Compat;
      readonly version?: OpenFlowVersion;
      readonly ports?: PortNames | undefined;
      readonly onWarning?: ((warning: ParseWarning) => void) | undefined;
    } = {},
  ) {
    checkSettings(text, options.compat, options.version);
    this.text = text;
    this.line = options.line ?? 1;
    this.compat = options.compat ?? "strict";
    this.version = options.version ?? "OpenFlow15";
    this.ports = options.ports;
    this.#warn = options.onWarning;
  }

  /** Throws the error `code` at `text[start, end)`. */
  fail(code: string, message: string, start: number, end: number, options: FaultOptions = {}): never {
    const { hint, openflowError, text } = options;
    throw new OfsyncError(code, message, {
      place: { line: this.line, column: start + 1, text: text ?? shorten(this.text.slice(start, end)) },
      ...(hint === undefined ? {} : { hint }),
      ...(openflowError === undefined ? {} : { openflowError }),
    });
  }

  /** In strict mode throws; in ovs mode reports a warning and returns, so that the caller does as ovs-ofctl does. */
  lenient(code: string, message: string, start: number, end: number, options: FaultOptions = {}): void {
    if (this.compat === "strict") this.fail(code, message, start, end, options);
    this.#warn?.({ code, message, line: this.line, column: start + 1 });
  }
}

// A misspelt setting must not pass for the other one.
function checkSettings(text: string, compat: Compat = "strict", version: OpenFlowVersion = "OpenFlow15"): void {
  if (typeof text !== "string") {
    throw new OfsyncError(
      "FLOW_SOURCE",
      `flows and matches are read from text, not from ${text === null ? "null" : typeof text}`,
    );
  }
  if (compat !== "strict" && compat !== "ovs") {
    throw new OfsyncError("OPTION_INVALID", `compat is ${String(compat)}, but must be "strict" or "ovs"`, {
      place: { field: "compat" },
    });
  }
  wireVersionOf(version);
}

function shorten(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}
