import type { ErrorPlace, OfsyncError } from "../index.ts";
import type { Terminal } from "./terminal.ts";

/** Where an error happened, as far as the error itself does not know. */
export interface ErrorSource {
  readonly prefix?: string;
  /** Name of the file. */
  readonly file?: string;
  /** The whole offending line, shown with a mark under the fault. */
  readonly text?: string;
}

/**
 * An error for a person: place, message, the line with a mark, the hint. Several lines, without a line break at the end.
 */
export function describeError(error: OfsyncError, terminal: Terminal, source: ErrorSource = {}): string {
  const place = placeText(error.place, source.file);
  const lines = [`${source.prefix ?? ""}${place === "" ? "" : `${place}: `}${error.message} [${error.code}]`];
  const column = error.place.column;
  if (source.text !== undefined && column !== undefined) lines.push(...excerpt(source.text, column, error.place.text, terminal));
  if (error.hint !== undefined) lines.push(`  ${terminal.paintNote("cyan", "hint:")} ${error.hint}`);
  return lines.join("\n");
}

/** `file:line:column`, as far as known. */
export function placeText(place: ErrorPlace, file?: string): string {
  const parts: string[] = file === undefined ? [] : [file];
  if (place.line !== undefined) {
    parts.push(file === undefined ? `line ${place.line}` : String(place.line));
    if (place.column !== undefined) parts.push(file === undefined ? `column ${place.column}` : String(place.column));
    return parts.join(file === undefined ? ", " : ":");
  }
  if (place.offset !== undefined) parts.push(`byte ${place.offset}`);
  if (place.field !== undefined) parts.push(place.field);
  return parts.join(": ");
}

const SHOWN = 100;

function excerpt(text: string, column: number, offending: string | undefined, terminal: Terminal): string[] {
  const start = Math.min(Math.max(0, column - 1), text.length);
  const from = start > SHOWN / 2 && text.length > SHOWN ? start - SHOWN / 2 : 0;
  const shown = text.slice(from, from + SHOWN).replace(/[\p{Cc}\p{Cf}]/gu, "?");
  const length = Math.max(1, Math.min(offending?.length ?? 1, shown.length - (start - from)));
  return [`  ${shown}`, `  ${" ".repeat(start - from)}${terminal.paintNote("red", "^".padEnd(length, "~"))}`];
}
