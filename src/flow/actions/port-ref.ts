import { portFromOf11, ReservedPort, reservedPortName } from "../ports.ts";
import type { PortRef, ReservedPortName } from "./action.ts";
import { invalid } from "./codec.ts";

/** The 16-bit number of a port; throws `ACTION_INVALID`. */
export function portNumber(port: PortRef, path: string): number {
  if (typeof port === "string") {
    const number = (ReservedPort as Readonly<Record<string, number>>)[port];
    if (number !== undefined) return number;
  } else if (Number.isInteger(port) && port >= 0) {
    const number = port <= 0xffff ? port : portFromOf11(port);
    if (number !== undefined && number <= 0xffff) return number;
  }
  throw invalid(path, `${path} is ${String(port)}, which is no port`, "write 0 to 65279 or a reserved name such as LOCAL");
}

/** A 16-bit number as it is shown to users: reserved ports by name. */
export function portRef(port: number): PortRef {
  return (reservedPortName(port) as ReservedPortName | undefined) ?? port;
}

/** May a packet be sent there? ANY and UNSET, and the numbers without a meaning, may not. */
export function isOutputPort(port: number): boolean {
  return port < 0xff00 || (port >= ReservedPort.IN_PORT && port <= ReservedPort.LOCAL);
}
