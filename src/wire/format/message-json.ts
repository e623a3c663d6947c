import { toHex } from "../../bytes.ts";
import { Instructions } from "../../flow/instructions.ts";
import { Match } from "../../flow/match.ts";
import { type OpenFlowVersion, versionName, type WireVersion } from "../../flow/version.ts";
import type { OpenFlowMessage } from "../messages.ts";

/** What `JSON.stringify` takes as it is. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [name: string]: JsonValue };

/** Numbers of 64 bits that are patterns rather than counts. */
const PATTERNS: ReadonlySet<string> = new Set([
  "cookie",
  "cookieMask",
  "newCookie",
  "datapathId",
  "metadataMatch",
  "metadataWrite",
  "match",
  "wildcards",
  "writeSetFields",
  "applySetFields",
]);

/**
 * A message as plain JSON, with the same names. `version` becomes its name (`OpenFlow13`), bytes become hexadecimal digits, 64-bit
 * counters decimal text and 64-bit patterns (cookies, datapath ids, masks) hexadecimal text with `0x`; a match is an object of
 * fields, instructions are a list of actions.
 */
export function messageToJson(message: OpenFlowMessage): { readonly [name: string]: JsonValue } {
  return plain(message, "") as { readonly [name: string]: JsonValue };
}

function named(version: number): OpenFlowVersion | number {
  return version >= 1 && version <= 6 ? versionName(version as WireVersion) : version;
}

function plain(value: unknown, name: string): JsonValue {
  if (typeof value === "bigint") return PATTERNS.has(name) ? `0x${value.toString(16)}` : String(value);
  if (typeof value === "number" && name === "version") return named(value);
  if (value instanceof Uint8Array) return toHex(value);
  if (value instanceof Match || value instanceof Instructions) return plain(value.toJSON(), name);
  if (Array.isArray(value)) return value.map((item) => plain(item, name));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part, key)]));
  }
  return value as JsonValue;
}
