import { v5 } from "uuid";
import { HEX } from "../bytes.ts";
import { OfsyncError } from "../errors.ts";

/** A UUID in lower case: on whose behalf a flow is wanted. Owners are ordered by it, byte by byte. */
export type OwnerId = string;

/** The namespace of {@link ownerFor}; fixed for ever, so that a name always gives the same owner. */
const NAMESPACE = "6f667379-6e63-5f6f-8e61-6d6573706163";

/**
 * The owner for a name that no database row stands for, such as `physical`: a UUID version 5, always the same for a name. Throws
 * `OWNER_INVALID` when it is no text.
 */
export function ownerFor(name: string): OwnerId {
  if (typeof name !== "string") {
    throw new OfsyncError("OWNER_INVALID", `an owner's name must be a text, not ${describe(name)}`, { place: { field: "name" } });
  }
  return v5(name, NAMESPACE);
}

/** Value of each hexadecimal digit by character code; -1 for anything else. */
const DIGITS: Int8Array = /* @__PURE__ */ (() => {
  const digits = new Int8Array(128).fill(-1);
  for (let i = 0; i < 10; i++) digits[48 + i] = i;
  for (let i = 0; i < 6; i++) {
    digits[65 + i] = 10 + i;
    digits[97 + i] = 10 + i;
  }
  return digits;
})();

/**
 * Reads a UUID in text, upper or lower case, as four big-endian words at `at`. Any version is taken; what is not 8-4-4-4-12
 * hexadecimal digits throws `OWNER_INVALID`.
 */
export function readOwner(text: OwnerId, into: Int32Array, at: number): void {
  let position = 0;
  let faults = 0;
  if (typeof text === "string" && text.length === 36) {
    for (let word = 0; word < 4; word++) {
      let value = 0;
      for (let i = 0; i < 8; i++) {
        if (position === 8 || position === 13 || position === 18 || position === 23) {
          if (text.charCodeAt(position) !== 45) faults = -1;
          position++;
        }
        const code = text.charCodeAt(position++);
        const digit = code < 128 ? (DIGITS[code] as number) : -1;
        faults |= digit;
        value = (value << 4) | digit;
      }
      into[at + word] = value;
    }
    if (faults >= 0) return;
  }
  throw new OfsyncError("OWNER_INVALID", `an owner must be a UUID, not ${describe(text)}`, {
    place: { field: "owner" },
    hint: "ownerFor(name) makes a stable UUID of a name",
  });
}

/** Four words as a UUID in lower case. */
export function formatOwner(words: Int32Array, at: number): OwnerId {
  const parts: string[] = [];
  for (let word = 0; word < 4; word++) {
    const value = words[at + word] as number;
    parts.push(HEX[value >>> 24] as string, HEX[(value >>> 16) & 255] as string);
    if (word === 1 || word === 2) parts.push("-");
    parts.push(HEX[(value >>> 8) & 255] as string, HEX[value & 255] as string);
    if (word === 0 || word === 1) parts.push("-");
  }
  // The third dash stands after the tenth byte; join gives a flat string, not a rope that keeps its pieces.
  return parts.join("");
}

function describe(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value) : typeof value;
}
