import { OfsyncError } from "../errors.ts";
import { Instructions } from "./instructions.ts";
import { Match } from "./match.ts";

/** Flow-mod flags as bits (OpenFlow 1.5.1 §7.3.4.2, `ofp_flow_mod_flags`). */
export const FlowFlag = {
  /** Ask for a FLOW_REMOVED message. */
  sendFlowRemoved: 1,
  /** Refuse the flow if it overlaps another of the same priority. Acts when the flow is added. */
  checkOverlap: 2,
  /** Set the counters of a replaced flow to zero. Acts when the flow is added. */
  resetCounts: 4,
  noPacketCounts: 8,
  noByteCounts: 16,
} as const;

export const DEFAULT_PRIORITY = 0x8000;

/** The slot of a flow in a switch. */
export interface FlowKey {
  /** 0 to 254. */
  readonly table: number;
  /** 0 to 65535. */
  readonly priority: number;
  readonly match: Match;
}

/** The parts of a flow; all but the instructions have defaults. */
export interface FlowInit {
  /** 0 to 254; default 0. */
  readonly table?: number;
  /** 0 to 65535; default 32768. */
  readonly priority?: number;
  /** Default: every packet. */
  readonly match?: Match;
  /** Default: drop. */
  readonly instructions?: Instructions;
  /** 64 bits, unsigned; default 0. */
  readonly cookie?: bigint | number;
  /** Seconds without a packet until the switch drops the flow, 0 to 65535; default 0 = never. */
  readonly idleTimeout?: number;
  /** Seconds until the switch drops the flow, 0 to 65535; default 0 = never. */
  readonly hardTimeout?: number;
  /** Eviction order of a full table, 0 to 65535, lower goes first; default 0. OpenFlow 1.4 and later. */
  readonly importance?: number;
  /** Bits of {@link FlowFlag}; default 0. */
  readonly flags?: number;
}

/**
 * One flow. Immutable.
 *
 * `table`, `priority` and `match` are its key; all the rest is its value (`docs/concepts.md`). Numbers are checked on
 * construction: out of range throws an {@link OfsyncError} with code `FLOW_VALUE` and the field in `place.field`; likewise a
 * match or instructions that are none.
 */
export class Flow implements FlowKey {
  readonly table: number;
  readonly priority: number;
  readonly match: Match;
  readonly instructions: Instructions;
  /** Upper 32 bits of the cookie. */
  readonly cookieHigh: number;
  /** Lower 32 bits of the cookie. */
  readonly cookieLow: number;
  readonly idleTimeout: number;
  readonly hardTimeout: number;
  readonly importance: number;
  readonly flags: number;

  constructor(init: FlowInit) {
    checkParts(init);
    this.table = checked("table", init.table ?? 0, 254);
    this.priority = checked("priority", init.priority ?? DEFAULT_PRIORITY, 0xffff);
    this.match = init.match ?? Match.any;
    if (!hasBytes(this.match)) throw wrongPart("match", this.match, "a Match", "make it with Match.of({…}) or parseMatch(text)");
    this.instructions = init.instructions ?? Instructions.drop;
    if (!hasBytes(this.instructions)) {
      throw wrongPart("instructions", this.instructions, "Instructions", "make them with Instructions.of({ apply: […] })");
    }
    // What `{ ...flow }` takes along of a flow: its cookie is a getter.
    const { cookieHigh, cookieLow } = init as Partial<Pick<Flow, "cookieHigh" | "cookieLow">>;
    const cookie = init.cookie ?? 0;
    if (init.cookie === undefined && cookieLow !== undefined) {
      this.cookieHigh = checked("cookieHigh", cookieHigh ?? 0, 0xffff_ffff);
      this.cookieLow = checked("cookieLow", cookieLow, 0xffff_ffff);
    } else if (typeof cookie === "number") {
      checked("cookie", cookie, Number.MAX_SAFE_INTEGER);
      this.cookieHigh = Math.floor(cookie / 0x1_0000_0000);
      this.cookieLow = cookie >>> 0;
    } else {
      if (typeof cookie !== "bigint" || cookie < 0n || cookie > 0xffff_ffff_ffff_ffffn) {
        throw new OfsyncError("FLOW_VALUE", `cookie is ${String(cookie)}, but must be an unsigned 64-bit number`, {
          place: { field: "cookie" },
        });
      }
      this.cookieHigh = Number(cookie >> 32n);
      this.cookieLow = Number(cookie & 0xffff_ffffn);
    }
    this.idleTimeout = checked("idleTimeout", init.idleTimeout ?? 0, 0xffff);
    this.hardTimeout = checked("hardTimeout", init.hardTimeout ?? 0, 0xffff);
    this.importance = checked("importance", init.importance ?? 0, 0xffff);
    this.flags = checked("flags", init.flags ?? 0, 0x1f);
    Object.freeze(this);
  }

  /** 64 bits, unsigned. */
  get cookie(): bigint {
    return (BigInt(this.cookieHigh) << 32n) | BigInt(this.cookieLow);
  }

  /** The same slot of the switch? */
  sameKey(other: FlowKey): boolean {
    return this.table === other.table && this.priority === other.priority && this.match.equals(other.match);
  }

  /** Same key and same value, byte for byte. See `sameMeaning` for equality across encodings of an action. */
  equals(other: Flow): boolean {
    return this === other || (this.sameKey(other) && this.sameAttributes(other) && this.instructions.equals(other.instructions));
  }

  /** Same cookie, timeouts, importance and flags? */
  sameAttributes(other: Flow): boolean {
    return (
      this.cookieLow === other.cookieLow &&
      this.cookieHigh === other.cookieHigh &&
      this.idleTimeout === other.idleTimeout &&
      this.hardTimeout === other.hardTimeout &&
      this.importance === other.importance &&
      this.flags === other.flags
    );
  }

  /** A copy with some parts replaced. */
  with(changes: FlowInit): Flow {
    return new Flow({
      table: this.table,
      priority: this.priority,
      match: this.match,
      instructions: this.instructions,
      cookie: this.cookie,
      idleTimeout: this.idleTimeout,
      hardTimeout: this.hardTimeout,
      importance: this.importance,
      flags: this.flags,
      ...changes,
    });
  }
}

function checked(name: string, value: number, max: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > max) {
    throw new OfsyncError("FLOW_VALUE", `${name} is ${String(value)}, but must be a whole number from 0 to ${max}`, {
      place: { field: name },
    });
  }
  return value;
}

// Not `instanceof`: the package may be loaded twice, as ES module and as CommonJS.
function hasBytes(value: { readonly bytes: unknown } | null): boolean {
  return value?.bytes instanceof Uint8Array;
}

function wrongPart(field: string, value: unknown, wanted: string, hint?: string): OfsyncError {
  const what = value === null ? "null" : Array.isArray(value) ? "an array" : typeof value;
  return new OfsyncError("FLOW_VALUE", `${field} must be ${wanted}, not ${what}`, {
    place: { field },
    ...(hint === undefined ? {} : { hint }),
  });
}

const PARTS: ReadonlySet<string> = /* @__PURE__ */ new Set([
  ...["table", "priority", "match", "instructions", "cookie", "cookieHigh", "cookieLow"],
  ...["idleTimeout", "hardTimeout", "importance", "flags"],
]);

// A misspelt part is never left out: without its match, a flow takes every packet.
function checkParts(init: unknown): void {
  if (typeof init !== "object" || init === null) throw wrongPart("init", init, "an object with the parts of a flow");
  for (const name in init) {
    if (!PARTS.has(name)) {
      throw new OfsyncError("FLOW_VALUE", `a flow has no part called ${name}`, {
        place: { field: name },
        hint: "fields are matched in match: Match.of({…}), actions stand in instructions: Instructions.of({ apply: […] })",
      });
    }
  }
}
