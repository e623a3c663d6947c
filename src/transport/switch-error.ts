import { OfsyncError } from "../errors.ts";
import type { SwitchError } from "./transport.ts";

/** Names that {@link switchError} knows: what a switch answers flow-mods with. */
export type SwitchErrorName =
  | "OFPBRC_EPERM"
  | "OFPBAC_BAD_OUT_PORT"
  | "OFPBAC_BAD_OUT_GROUP"
  | "OFPBIC_BAD_TABLE_ID"
  | "OFPFMFC_UNKNOWN"
  | "OFPFMFC_TABLE_FULL"
  | "OFPBRC_BAD_TABLE_ID"
  | "OFPFMFC_OVERLAP"
  | "OFPFMFC_EPERM"
  | "OFPMMFC_INVALID_METER";

// Type and code, the same in OpenFlow 1.1 to 1.5 (1.5.1 §7.5.4).
const NUMBERS: Readonly<Record<SwitchErrorName, readonly [type: number, code: number]>> = {
  OFPBRC_EPERM: [1, 5],
  OFPBAC_BAD_OUT_PORT: [2, 4],
  OFPBAC_BAD_OUT_GROUP: [2, 9],
  OFPBIC_BAD_TABLE_ID: [3, 2],
  OFPFMFC_UNKNOWN: [5, 0],
  OFPFMFC_TABLE_FULL: [5, 1],
  OFPBRC_BAD_TABLE_ID: [1, 9],
  OFPFMFC_OVERLAP: [5, 3],
  OFPFMFC_EPERM: [5, 4],
  OFPMMFC_INVALID_METER: [12, 2],
};

/** A {@link SwitchError} by its name, with the numbers of OpenFlow 1.1 and later. */
export function switchError(name: SwitchErrorName): SwitchError {
  const [type, code] = NUMBERS[name];
  return { name, type, code };
}

/** What the flow-mods of an atomic batch are refused with when another one of the batch was at fault. */
export function batchError(culprit: SwitchError): SwitchError {
  return { ...culprit, name: `BATCH_${culprit.name}` };
}

/** The error that calls outside a batch throw when the switch refuses: code `SWITCH_REFUSED`. */
export function refusal(error: SwitchError, what: string): OfsyncError {
  return new OfsyncError("SWITCH_REFUSED", `the switch refused ${what}: ${error.name}`, { openflowError: error.name });
}
