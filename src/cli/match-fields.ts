import type { Match } from "../index.ts";
import type { MaskedField } from "./shadow.ts";

/**
 * The fields of a match for comparing matches, sorted by name. "It is an Ethernet packet" is left out: a match that says
 * nothing about the packet type means that too.
 */
export function maskedFields(match: Match): MaskedField[] {
  const fields: MaskedField[] = [];
  for (const { field, value, mask } of match.entries()) {
    if (field.name === "packet_type" && mask === undefined && value.every((byte) => byte === 0)) continue;
    fields.push({ name: field.name, value, mask: mask ?? new Uint8Array(value.length).fill(255) });
  }
  return fields.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
