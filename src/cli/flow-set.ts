import type { Flow, OfsyncError, OwnerId } from "../index.ts";
import { eachFlow, type Reading, WarningList } from "./flow-lines.ts";
import { inputName } from "./input.ts";
import { type OwnerRule, Owners } from "./owners.ts";
import type { Terminal } from "./terminal.ts";

/** A flow and where it stands. */
export interface PlacedFlow {
  readonly flow: Flow;
  readonly file: string;
  readonly line: number;
  readonly owner: OwnerId;
}

/** A line that is no flow. */
export interface BadLine {
  readonly error: OfsyncError;
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** All flows of some files, with their places and owners. */
export interface FlowSet {
  readonly flows: readonly PlacedFlow[];
  readonly bad: readonly BadLine[];
  readonly owners: Owners;
}

/** Reads files as a whole; no operand means standard input. Bad lines are collected. */
export async function readFlowSet(
  paths: readonly string[],
  rule: OwnerRule,
  reading: Reading,
  terminal: Terminal,
): Promise<FlowSet> {
  const owners = new Owners(rule);
  const flows: PlacedFlow[] = [];
  const bad: BadLine[] = [];
  for (const path of paths.length === 0 ? ["-"] : paths) {
    const file = inputName(path);
    owners.startFile();
    const warnings = new WarningList(path, terminal);
    await eachFlow(path, reading, terminal, {
      flow: (flow, line) => flows.push({ flow, file, line, owner: owners.ownerOf(flow, file) }),
      bad(error, line, text) {
        bad.push({ error, file, line, text });
        return true;
      },
      comment: (text) => owners.comment(text),
      warning: (warning) => warnings.add(warning),
    });
    warnings.end();
  }
  return { flows, bad, owners };
}

/** The key of a flow as a string, for maps. */
export function keyOf({ table, priority, match }: Flow): string {
  let text = `${table},${priority},`;
  for (const byte of match.bytes) text += String.fromCharCode(byte);
  return text;
}

/** `file:line`. */
export function placeOf(placed: { readonly file: string; readonly line: number }): string {
  return `${placed.file}:${placed.line}`;
}
