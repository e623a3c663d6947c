import type { PortNames } from "../../flow/ports.ts";
import { formatPort, Port } from "../port-number.ts";

/** Pieces of text that many messages share, as Open vSwitch prints them. */

/** How messages are printed. */
export interface FormatMessageOptions {
  /**
   * 0: one line where possible; 1: with the records of statistics and a line for packets; 2 (default): with data in hexadecimal;
   * 3: also packets in hexadecimal.
   */
  readonly verbosity?: number;
  /** Names of ports, printed instead of their numbers. */
  readonly names?: PortNames | undefined;
}

/** The same, with the defaults filled in. */
export interface Format {
  readonly verbosity: number;
  readonly names: PortNames | undefined;
}

/** `0x1f`; also of 64-bit numbers. */
export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

/** C's `%#x`: `0` without a prefix. */
export function alternateHex(value: number | bigint): string {
  return value === 0 || value === 0n ? "0" : hex(value);
}

/** A port by its reserved name, its name, or its number. */
export function portText(port: number, format: Format): string {
  const text = formatPort(port);
  if (port >= Port.max || format.names === undefined) return text;
  const name = format.names.nameOf(port);
  return name === undefined ? text : quoteName(name);
}

function quoteName(name: string): string {
  return /^[A-Za-z_][\w-]*$/.test(name) ? name : JSON.stringify(name);
}

/** Names of the bits that are set, lowest first; bits without a name together in hexadecimal; `0` for none. */
export function bitNames(bits: number, names: ReadonlyMap<number, string>, separator: string): string {
  if (bits === 0) return "0";
  const parts: string[] = [];
  let left = bits >>> 0;
  for (let i = 0; i < 32; i++) {
    const bit = (1 << i) >>> 0;
    const name = names.get(bit);
    if ((left & bit) === 0 || name === undefined) continue;
    parts.push(name);
    left = (left & ~bit) >>> 0;
  }
  if (left !== 0) parts.push(hex(left));
  return parts.join(separator);
}

/** Seconds with as many decimals as it takes, but three for whole milliseconds. */
export function durationText(seconds: number, nanoseconds: number): string {
  if (nanoseconds === 0) return `${seconds}s`;
  if (nanoseconds % 1_000_000 === 0) return `${seconds}.${String(nanoseconds / 1_000_000).padStart(3, "0")}s`;
  return `${seconds}.${String(nanoseconds).padStart(9, "0").replace(/0+$/, "")}s`;
}

/** 16 bytes a line: offset, bytes, and with `ascii` the printable characters. */
export function hexDump(bytes: Uint8Array, ascii: boolean): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += 16) {
    const line = bytes.subarray(start, start + 16);
    text += `${start.toString(16).padStart(8, "0")}  `;
    let characters = "";
    let row = "";
    for (let i = 0; i < line.length; i++) {
      const byte = line[i] as number;
      row += byte.toString(16).padStart(2, "0") + (i === 7 ? "-" : " ");
      characters += byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".";
    }
    text += ascii ? `${row.padEnd(48)}|${characters.padEnd(16)}|\n` : `${row.replace(/ $/, "")}\n`;
  }
  return text;
}

/** A counter, `?` when it is not known. */
export function counterText(value: bigint): string {
  return value === 0xffff_ffff_ffff_ffffn ? "?" : String(value);
}

/** `01.02.ff`. */
export function dottedHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(".");
}

/** Without one trailing `character`. */
export function chomp(text: string, character: string): string {
  return text.endsWith(character) ? text.slice(0, -1) : text;
}
