import { PORT_MAX, type PortNames, ReservedPort, reservedPortName, reservedPortNumber } from "./ports.ts";

const OF11_FIRST = 0xffff_ff00;

/**
 * The 16-bit number of a port written as a decimal number (also a reserved one, in 16 or 32 bits), a reserved name in any case,
 * or a name of the switch, quoted or not. `undefined` when it is none of these.
 */
export function parsePort(text: string, ports: PortNames | undefined): number | undefined {
  if (/^[ \t\n\v\f\r]*\+?\d+$/.test(text)) {
    const number = Number(text);
    if (number < 0x10000) return number;
    return number >= OF11_FIRST && number <= 0xffff_ffff ? number - 0xffff_0000 : undefined;
  }
  if (text.startsWith("-")) return undefined;
  const reserved = reservedPortNumber(text);
  if (reserved !== undefined) return reserved;
  const name = text.startsWith('"') ? unquote(text) : text;
  const found = name === undefined ? undefined : ports?.numberOf(name);
  return found === undefined || found === ReservedPort.ANY ? undefined : found;
}

/** `1`, `LOCAL`, or the switch's name for the port, in quotes unless it is simple. */
export function formatPort(port: number, ports?: PortNames): string {
  const reserved = reservedPortName(port);
  if (reserved !== undefined) return reserved;
  const name = port < PORT_MAX ? ports?.nameOf(port) : undefined;
  return name === undefined ? String(port) : formatName(name);
}

/** A name as Open vSwitch prints it: in double quotes unless it starts with a letter and has only letters, digits, `_` and `-`. */
function formatName(name: string): string {
  return /^[A-Za-z][A-Za-z0-9_-]*$/.test(name) ? name : JSON.stringify(name);
}

/** The text inside a JSON string; `undefined` when it is not one. */
function unquote(text: string): string | undefined {
  if (text.length < 2 || !text.endsWith('"')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
