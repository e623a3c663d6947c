import { readFileSync } from "node:fs";
import type { PortNames } from "../index.ts";
import { type Arguments, CommandFailure, type OptionSpec, UsageError } from "./command.ts";

/** `--ports`: names that flows may use instead of port numbers. */
export const PORTS_OPTION: OptionSpec = {
  type: "string",
  value: "MAP",
  help: "names of ports: NAME=NUMBER,… or @FILE with\none NAME=NUMBER a line",
};

/** `--names`: with names instead of numbers in what is printed. */
export const NAMES_OPTION: OptionSpec = { type: "boolean", help: "print the names of ports instead of their numbers" };

/** Names and numbers of ports. */
export class PortMap implements PortNames {
  readonly #numbers = new Map<string, number>();
  readonly #names = new Map<number, string>();

  add(name: string, number: number): void {
    this.#numbers.set(name, number);
    this.#names.set(number, name);
  }

  numberOf(name: string): number | undefined {
    return this.#numbers.get(name);
  }

  nameOf(number: number): string | undefined {
    return this.#names.get(number);
  }
}

/** The map that `--ports` gives, if it was given. */
export function portsOf(input: Arguments): PortMap | undefined {
  const text = input.text("ports");
  if (text === undefined) return undefined;
  const map = new PortMap();
  for (const entry of (text.startsWith("@") ? readMap(text.slice(1)) : text).split(/[,\n]/)) {
    if (/^\s*(#|$)/.test(entry)) continue;
    const [, name, digits] = /^\s*(\S+)\s*=\s*(\d{1,5})\s*$/.exec(entry) ?? [];
    const number = digits === undefined ? undefined : portNumber(digits);
    if (name === undefined || number === undefined) {
      throw new UsageError(`--ports has "${entry.trim()}", but must have NAME=NUMBER, such as eth0=1`);
    }
    map.add(name, number);
  }
  return map;
}

/** The names to print: those of `--ports`, when `--names` asks for them. */
export function printedNames(input: Arguments, ports: PortMap | undefined): PortMap | undefined {
  if (!input.has("names")) return undefined;
  if (ports === undefined) throw new UsageError("--names needs --ports, which says what the names are");
  return ports;
}

function readMap(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CommandFailure(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Ordinary ports only: the others have names of their own. */
function portNumber(digits: string): number | undefined {
  const number = Number(digits);
  return number < 0xff00 ? number : undefined;
}
