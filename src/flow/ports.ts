/**
 * Port numbers. Inside ofsync a port is the 16-bit number of OpenFlow 1.0, as in Open vSwitch: OpenFlow 1.1 and later have
 * 32 bits on the wire, of which only 0 to 0xfeff and 0xffffff00 to 0xffffffff stand for anything.
 */

/** Port names of one switch. */
export interface PortNames {
  /** Number of the port with this name. */
  numberOf(name: string): number | undefined;
  /** Name of the port with this number. */
  nameOf(number: number): string | undefined;
}

/** The first number that is not an ordinary port. */
export const PORT_MAX = 0xff00;
/** What is added to a reserved 16-bit number to get the 32-bit one. */
const OF11_OFFSET = 0xffff_0000;
const OF11_MAX = 0xffff_ff00;

/** Reserved ports by their 16-bit number; `ANY` is called `NONE` in OpenFlow 1.0. */
export const ReservedPort = {
  UNSET: 0xfff7,
  IN_PORT: 0xfff8,
  TABLE: 0xfff9,
  NORMAL: 0xfffa,
  FLOOD: 0xfffb,
  ALL: 0xfffc,
  CONTROLLER: 0xfffd,
  LOCAL: 0xfffe,
  ANY: 0xffff,
} as const;

const NAMES = /* @__PURE__ */ new Map<number, string>(Object.entries(ReservedPort).map(([name, port]) => [port, name] as const));
const NUMBERS = /* @__PURE__ */ new Map<string, number>([...Object.entries(ReservedPort), ["NONE", ReservedPort.ANY]]);

/** `0xfffe` → `LOCAL`; `undefined` for ordinary ports. */
export function reservedPortName(port: number): string | undefined {
  return port < ReservedPort.UNSET ? undefined : NAMES.get(port);
}

/** `local` or `LOCAL` → 0xfffe; `undefined` for other names. */
export function reservedPortNumber(name: string): number | undefined {
  return NUMBERS.get(name.toUpperCase());
}

/** The 16-bit number of a 32-bit port; `undefined` between the two ranges, where Open vSwitch has no port. */
export function portFromOf11(port: number): number | undefined {
  if (port < PORT_MAX) return port;
  return port >= OF11_MAX ? port - OF11_OFFSET : undefined;
}

/** The 32-bit number of a 16-bit port. */
export function portToOf11(port: number): number {
  return port < PORT_MAX ? port : port + OF11_OFFSET;
}
