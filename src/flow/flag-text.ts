import { CT_STATE_KNOWN, TUN_FLAGS_PUBLIC } from "./field-limits.ts";
import { scanInt } from "./number-text.ts";
import type { ValueText } from "./value-text.ts";

/** The named bits of `ct_state`, `tcp_flags` and `tun_flags`. */
export interface FlagNames {
  /** What messages call them. */
  readonly what: string;
  /** Name of bit i, where it has one. */
  readonly names: readonly (string | undefined)[];
  /** Bits that may be written. */
  readonly allowed: number;
  /** The mask that counts as exact when printed. */
  readonly exact: number;
}

export const CT_STATE: FlagNames = {
  what: "ct_state",
  names: ["new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"],
  allowed: CT_STATE_KNOWN,
  exact: 0xffff,
};

export const TCP_FLAGS: FlagNames = {
  what: "TCP",
  names: ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[400]", "[800]"],
  allowed: 0xfff,
  exact: 0xfff,
};

export const TUN_FLAGS: FlagNames = {
  what: "tunnel",
  // Only OAM can be matched; ovs-ofctl knows the other names too, to refuse them.
  names: ["oam", "df", "csum", "key"],
  allowed: TUN_FLAGS_PUBLIC,
  exact: TUN_FLAGS_PUBLIC,
};

export interface ReadFlags {
  readonly value: number;
  /** `undefined`: exact. */
  readonly mask: number | undefined;
}

/**
 * Reads `+new-inv`, `new|trk`, `0x1/0x3` or a number. `maskable` false leaves only the forms without a mask. Reports
 * `FIELD_FLAGS` for unknown flags, for a flag that is named twice and for a name without + or -.
 */
export function readFlags(ctx: ValueText, kind: FlagNames, start: number, end: number, maskable: boolean): ReadFlags {
  const text = ctx.text.slice(start, end);
  if (maskable) {
    const value = scanInt(text, 0, 0);
    const mask = value !== undefined && text[value.end] === "/" ? scanInt(text, value.end + 1, 0) : undefined;
    if (value !== undefined && mask !== undefined) {
      const v = Number(BigInt.asUintN(32, value.value));
      const m = Number(BigInt.asUintN(32, mask.value));
      if ((v & ~kind.allowed) !== 0 || (m & ~kind.allowed) !== 0) unknownFlags(ctx, kind, start, end);
      if (mask.end !== text.length) {
        ctx.lenient("FIELD_SYNTAX", `there is something behind the mask`, start + mask.end, end, { hint: "remove it" });
      }
      return { value: v, mask: m };
    }
    if (text[0] === "+" || text[0] === "-") return readSigned(ctx, kind, text, start, end);
  }
  return { value: readUnsigned(ctx, kind, text, start, end), mask: undefined };
}

function unknownFlags(ctx: ValueText, kind: FlagNames, start: number, end: number): never {
  const names = kind.names.filter((name, bit) => name !== undefined && (kind.allowed & (1 << bit)) !== 0);
  return ctx.fail("FIELD_FLAGS", `unknown ${kind.what} flag`, start, end, { hint: `the flags are ${names.join(", ")}` });
}

function readSigned(ctx: ValueText, kind: FlagNames, text: string, start: number, end: number): ReadFlags {
  let value = 0;
  let mask = 0;
  let at = 0;
  while (at < text.length) {
    const sign = text[at];
    if (sign !== "+" && sign !== "-") {
      ctx.fail("FIELD_FLAGS", `each ${kind.what} flag needs + (set) or - (not set) in front`, start + at, end);
    }
    at++;
    let stop = at;
    while (stop < text.length && text[stop] !== "+" && text[stop] !== "-") stop++;
    const bit = kind.names.indexOf(text.slice(at, stop));
    if (bit < 0 || stop === at) unknownFlags(ctx, kind, start + at, start + stop);
    if ((mask & (1 << bit)) !== 0) {
      ctx.fail("FIELD_FLAGS", `the ${kind.what} flag ${kind.names[bit]} is given twice`, start + at, start + stop, {
        hint: "name each flag once",
      });
    }
    if ((kind.allowed & (1 << bit)) === 0) unknownFlags(ctx, kind, start + at, start + stop);
    if (sign === "+") value |= 1 << bit;
    mask |= 1 << bit;
    at = stop;
  }
  return { value, mask };
}

function readUnsigned(ctx: ValueText, kind: FlagNames, text: string, start: number, end: number): number {
  let value = 0;
  let at = 0;
  while (at < text.length) {
    const number = scanInt(text, at, 0);
    if (number !== undefined) {
      const flags = BigInt.asUintN(64, number.value);
      if ((flags & ~BigInt(kind.allowed)) !== 0n) unknownFlags(ctx, kind, start + at, end);
      value |= Number(flags);
      at = number.end;
      if (text[at] === "|") at++;
      continue;
    }
    let stop = at;
    while (stop < text.length && text[stop] !== "|") stop++;
    const bit = kind.names.indexOf(text.slice(at, stop));
    if (bit < 0 || stop === at || (kind.allowed & (1 << bit)) === 0) unknownFlags(ctx, kind, start + at, end);
    value |= 1 << bit;
    at = stop < text.length ? stop + 1 : stop;
  }
  return value;
}

/** `+new-inv` under a mask, `new|trk` or `0` when exact, as Open vSwitch prints it. */
export function formatFlags(kind: FlagNames, value: number, mask: number): string {
  if (mask === kind.exact) return formatExactFlags(kind, value);
  if (mask === 0) return "0/0";
  let text = "";
  for (let bit = 0; bit < 32; bit++) {
    if ((mask & (1 << bit)) === 0) continue;
    text += ((value & (1 << bit)) !== 0 ? "+" : "-") + (kind.names[bit] ?? "[Unknown]");
  }
  return text;
}

function formatExactFlags(kind: FlagNames, value: number): string {
  if (value === 0) return "0";
  const names: string[] = [];
  let unnamed = 0;
  for (let bit = 0; bit < 32; bit++) {
    if ((value & (1 << bit)) === 0) continue;
    const name = kind.names[bit];
    if (name === undefined) unnamed |= 1 << bit;
    else names.push(name);
  }
  if (unnamed !== 0) names.push(`0x${(unnamed >>> 0).toString(16)}`);
  return names.join("|");
}
