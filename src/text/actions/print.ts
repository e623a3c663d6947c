/** Pieces of printed actions. */
import type { SubField } from "../../flow/actions/action.ts";
import { resolveBits } from "../../flow/actions/subfield.ts";
import { oxmHeaderFor } from "../../flow/oxm.ts";

/** `NXM_NX_REG0[]`, `NXM_NX_REG0[3]`, `NXM_NX_REG0[0..15]`. */
export function formatSubField(sub: SubField): string {
  const { field, offset, bits } = resolveBits(sub, "");
  const name = oxmHeaderFor(field, 0)?.name ?? field.name;
  if (offset === 0 && bits === field.bits) return `${name}[]`;
  return bits === 1 ? `${name}[${offset}]` : `${name}[${offset}..${offset + bits - 1}]`;
}

/** `01.02.ff`. */
export function hexArgument(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += `${i === 0 ? "" : "."}${(bytes[i] as number).toString(16).padStart(2, "0")}`;
  return text;
}

/** C's `%#x`: `0x1f`, and `0` for zero. */
export function hexNumber(value: number | bigint): string {
  return Number(value) === 0 ? "0" : `0x${value.toString(16)}`;
}
