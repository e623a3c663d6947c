import {
  type Compat,
  type Flow,
  isOfsyncError,
  type OfsyncError,
  type OpenFlowVersion,
  type ParseWarning,
  parseFlowLine,
  parseVersion,
} from "../index.ts";
import { type Arguments, CommandFailure, type OptionSpec, UsageError } from "./command.ts";
import { describeError } from "./error-text.ts";
import { eachLine, inputName } from "./input.ts";
import type { Terminal } from "./terminal.ts";

/** How flows are read; the options that every reading command has. */
export interface Reading {
  readonly version: OpenFlowVersion;
  readonly compat: Compat;
}

export const READING_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  openflow: {
    type: "string",
    short: "O",
    value: "VERSION",
    help: "OpenFlow version whose rules and forms apply:\nOpenFlow10 to OpenFlow15 (default)",
  },
  compat: {
    type: "string",
    value: "MODE",
    help: '"strict" (default) refuses what ovs-ofctl silently changes,\n"ovs" changes it likewise and warns',
  },
};

export const DEFAULT_VERSION: OpenFlowVersion = "OpenFlow15";

/** The options of {@link READING_OPTIONS}. */
export function readingOf(input: Arguments): Reading {
  const compat = input.text("compat") ?? "strict";
  if (compat !== "strict" && compat !== "ovs") throw new UsageError(`--compat is "${compat}", but must be "strict" or "ovs"`);
  return { version: versionOf(input) ?? DEFAULT_VERSION, compat };
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
  const onWarning = visitor.warning?.bind(visitor);
  await eachLine(path, terminal, (text, line) => {
    let flow: Flow | undefined;
    try {
      flow = parseFlowLine(text, { ...reading, line, onWarning });
    } catch (error) {
      if (isOfsyncError(error)) return visitor.bad(error, line, text);
      throw error;
    }
    if (flow === undefined) visitor.comment?.(text);
    else visitor.flow(flow, line);
    return true;
  });
}

/** As {@link eachFlow}; the first bad line ends the command, warnings go to standard error. */
export async function eachGoodFlow(
  path: string,
  reading: Reading,
  terminal: Terminal,
  visit: (flow: Flow, line: number) => void,
): Promise<void> {
  let failure: string | undefined;
  await eachFlow(path, reading, terminal, {
    flow: visit,
    bad(error, _line, text) {
      failure = describeError(error, terminal, { file: inputName(path), text });
      return false;
    },
    warning(warning) {
      terminal.note(warningText(warning, path, terminal));
    },
  });
  if (failure !== undefined) throw new CommandFailure(failure);
}

export function warningText(warning: ParseWarning, path: string, terminal: Terminal): string {
  const place = `${inputName(path)}:${warning.line}:${warning.column}`;
  return `${place}: ${terminal.paintNote("yellow", "warning:")} ${warning.message} [${warning.code}]`;
}
