import type { ByteWriter } from "../bytes.ts";
import { failEncode } from "./wire-error.ts";
import type { WireReader } from "./wire-reader.ts";

/**
 * Port numbers are always those of OpenFlow 1.1 and later: 32 bits, reserved ones from 0xffffff00. OpenFlow 1.0 and Nicira's
 * older messages carry the lower 16 bits of them.
 */
export const Port = {
  max: 0xffffff00,
  inPort: 0xfffffff8,
  table: 0xfffffff9,
  normal: 0xfffffffa,
  flood: 0xfffffffb,
  all: 0xfffffffc,
  controller: 0xfffffffd,
  local: 0xfffffffe,
  any: 0xffffffff,
} as const;

/** Group numbers with a meaning of their own. */
export const Group = { max: 0xffffff00, all: 0xfffffffc, any: 0xffffffff } as const;

const NAMES: ReadonlyMap<number, string> = new Map([
  [0xfffffff7, "UNSET"],
  [Port.inPort, "IN_PORT"],
  [Port.table, "TABLE"],
  [Port.normal, "NORMAL"],
  [Port.flood, "FLOOD"],
  [Port.all, "ALL"],
  [Port.controller, "CONTROLLER"],
  [Port.local, "LOCAL"],
  [Port.any, "ANY"],
]);

/** From the 16 bits of OpenFlow 1.0. */
export function portFrom16(port: number): number {
  return port < 0xff00 ? port : port + 0xffff0000;
}

/** To the 16 bits of OpenFlow 1.0; throws `WIRE_UNENCODABLE` where it does not fit. */
export function portTo16(port: number, field: string): number {
  if (port < 0xff00) return port;
  if (port >= Port.max) return port & 0xffff;
  return failEncode(`port ${port} does not fit into 16 bits`, field, "OFPBAC_BAD_OUT_PORT");
}

/** Reads a 32-bit port. Numbers that no 16-bit switch port can have are refused as Open vSwitch refuses them. */
export function readPort32(reader: WireReader): number {
  const port = reader.u32();
  if (port >= 0xff00 && port < Port.max) reader.bad(`port ${port} is out of range`, 4, "OFPBAC_BAD_OUT_PORT");
  return port;
}

/** Reads a port as the version carries it: 16 bits in OpenFlow 1.0, else 32. */
export function readPort(reader: WireReader): number {
  return reader.version === 1 ? portFrom16(reader.u16()) : readPort32(reader);
}

/** Writes a port as the version carries it. */
export function putPort(w: ByteWriter, port: number, version: number, field: string): void {
  if (version === 1) w.u16(portTo16(port, field));
  else w.u32(port);
}

/** A reserved port by name, any other as a number, in the 16-bit numbering that Open vSwitch prints. */
export function formatPort(port: number): string {
  return NAMES.get(port) ?? String(port >= Port.max ? port & 0xffff : port);
}
