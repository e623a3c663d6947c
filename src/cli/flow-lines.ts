import {
  type Compat,
  type Flow,
  isOfsyncError,
  OfsyncError,
  type OpenFlowVersion,
  type ParseWarning,
  type PortNames,
  parseFlowLine,
  parseVersion,
} from "../index.ts";
import { type Arguments, CommandFailure, type OptionSpec, UsageError } from "./command.ts";
import { describeError } from "./error-text.ts";
import { eachLine, inputName } from "./input.ts";
import type { Terminal } from "./terminal.ts";

/** How flows are read. */
export interface Reading {
  readonly version: OpenFlowVersion;
  readonly compat: Compat;
  /** Read as ovs-ofctl does, without warnings, and strictly what it cannot read although Open vSwitch prints it. */
  readonly either: boolean;
  /** Names that ports may go by. */
  readonly ports?: PortNames;
}

export const VERSION_OF_FORMS: OptionSpec = {
  type: "string",
  short: "O",
  value: "VERSION",
  help: "OpenFlow version whose rules and forms apply:\nOpenFlow10 to OpenFlow15 (default)",
};

const STRICT = '"strict" refuses what ovs-ofctl silently changes';
const AS_OVS = '"ovs" changes it likewise and warns';

/** `--compat` of commands from which something follows: strict unless told otherwise. */
export const COMPAT_STRICT: OptionSpec = { type: "string", value: "MODE", help: `${STRICT} (default),\n${AS_OVS}` };

/** `--compat` of commands that only look at flows which ovs-ofctl or a switch printed or will be given. */
export const COMPAT_EITHER: OptionSpec = {
  type: "string",
  value: "MODE",
  help: `${STRICT},\n${AS_OVS}; default: what either of them reads`,
};

export const DEFAULT_VERSION: OpenFlowVersion = "OpenFlow15";

/** What `-O` and `--compat` say; without the latter, flows are read strictly, or with `either` as ovs-ofctl does it. */
export function readingOf(input: Arguments, either = false): Reading {
  const text = input.text("compat");
  const compat = text ?? (either ? "ovs" : "strict");
  if (compat !== "strict" && compat !== "ovs") throw new UsageError(`--compat is "${compat}", but must be "strict" or "ovs"`);
  return { version: versionOf(input) ?? DEFAULT_VERSION, compat, either: either && text === undefined };
}

/** What `-O` says, if it was given. */
export function versionOf(input: Arguments): OpenFlowVersion | undefined {
  const text = input.text("openflow");
  if (text === undefined) return undefined;
  const version = parseVersion(text);
  if (version === undefined) throw new UsageError(`-O is "${text}", but must be one of OpenFlow10 to OpenFlow15`);
  return version;
}

/** What {@link eachFlow} finds on its way. */
export interface FlowVisitor {
  /** A throw of a typed error makes the line a bad one. */
  flow(flow: Flow, line: number): void;
  /** A line that is no flow. Return `false` to stop. */
  bad(error: OfsyncError, line: number, text: string): boolean;
  /** A line without a flow: a comment, a blank line, the head of a dump. */
  comment?(text: string): void;
  /** Something that `--compat ovs` changed. */
  warning?(warning: ParseWarning): void;
}

/** Reads the flows of a file one by one; comments, blank lines and the head of a dump are passed over. */
export async function eachFlow(path: string, reading: Reading, terminal: Terminal, visitor: FlowVisitor): Promise<void> {
  const { version, compat, ports } = reading;
  const onWarning = reading.either ? undefined : visitor.warning?.bind(visitor);
  await eachLine(path, terminal, (text, line) => {
    let flow: Flow | undefined;
    try {
      flow = parseFlowLine(text, { version, compat, line, onWarning, ports });
    } catch (error) {
      if (!isOfsyncError(error)) throw error;
      const other = readOtherwise(error, text, line, reading);
      if (isOfsyncError(other)) return visitor.bad(other, line, text);
      flow = other;
    }
    if (flow === undefined) {
      visitor.comment?.(text);
      return true;
    }
    try {
      visitor.flow(flow, line);
      return true;
    } catch (error) {
      if (!isOfsyncError(error)) throw error;
      return visitor.bad(inLine(error, line), line, text);
    }
  });
}

/** What is wrong with a flow only when it is used (its version has no form for it, say), told with the line that it is from. */
function inLine(error: OfsyncError, line: number): OfsyncError {
  const { code, message, hint, openflowError } = error;
  return new OfsyncError(code, message, {
    place: { line, column: 1 },
    ...(hint === undefined ? {} : { hint }),
    ...(openflowError === undefined ? {} : { openflowError }),
    cause: error,
  });
}

/**
 * Another try at a line that could not be read, where the reading allows it: Open vSwitch prints some flows in a form that
 * ovs-ofctl does not read, but strict reading does. Gives the flow or the error to tell.
 */
export function readOtherwise(error: OfsyncError, text: string, line: number, reading: Reading): Flow | OfsyncError {
  const { version, either, ports } = reading;
  // Of a line that is too long only the start is there.
  if (!either || isOfsyncError(error, "FLOW_LINE_TOO_LONG")) return error;
  try {
    return parseFlowLine(text, { version, compat: "strict", line, ports }) ?? error;
  } catch (strict) {
    if (isOfsyncError(strict)) return strict;
    throw strict;
  }
}

/** As {@link eachFlow}; the first bad line ends the command, the first few warnings go to standard error. */
export async function eachGoodFlow(
  path: string,
  reading: Reading,
  terminal: Terminal,
  visit: (flow: Flow, line: number) => void,
): Promise<void> {
  let failure: string | undefined;
  const warnings = new WarningList(path, terminal);
  await eachFlow(path, reading, terminal, {
    flow: visit,
    bad(error, _line, text) {
      failure = describeError(error, terminal, { file: inputName(path), text });
      return false;
    },
    warning: (warning) => warnings.add(warning),
  });
  warnings.end();
  if (failure !== undefined) throw new CommandFailure(failure);
}

const SHOWN_WARNINGS = 5;

/** Prints the first warnings of a file and counts the rest: a large file may give thousands. */
export class WarningList {
  readonly #path: string;
  readonly #terminal: Terminal;
  #count = 0;

  constructor(path: string, terminal: Terminal) {
    this.#path = path;
    this.#terminal = terminal;
  }

  add(warning: ParseWarning): void {
    this.#count += 1;
    if (this.#count <= SHOWN_WARNINGS) this.#terminal.note(warningText(warning, this.#path, this.#terminal));
  }

  end(): void {
    const more = this.#count - SHOWN_WARNINGS;
    if (more > 0)
      this.#terminal.note(`${inputName(this.#path)}: ${more} more warnings; "ofsync fmt --compat ovs" shows them all`);
  }
}

export function warningText(warning: ParseWarning, path: string, terminal: Terminal): string {
  const place = `${inputName(path)}:${warning.line}:${warning.column}`;
  return `${place}: ${terminal.paintNote("yellow", "warning:")} ${warning.message} [${warning.code}]`;
}
