/** Where a switch is: the notation of `ovs-ofctl` and `ovs-vsctl set-controller`. */
import { isIP } from "node:net";
import { OfsyncError } from "../errors.ts";

/** The port that IANA assigned to OpenFlow. */
export const DEFAULT_OPENFLOW_PORT = 6653;

/** Where Open vSwitch keeps its sockets unless it is told otherwise. */
export const DEFAULT_RUN_DIRECTORY = "/var/run/openvswitch";

/** A place to dial: a Unix socket, TCP or TLS over TCP. */
export type DialAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp" | "ssl"; readonly host: string; readonly port: number };

/** A place to listen at; port 0 lets the system choose. `host` absent: every address of the machine. */
export type ListenAddress =
  | { readonly kind: "punix"; readonly path: string }
  | { readonly kind: "ptcp" | "pssl"; readonly host?: string; readonly port: number };

export type SwitchAddress = DialAddress | ListenAddress;

const FORMS =
  "write unix:/path, tcp:host[:port], ssl:host[:port], punix:/path, ptcp:[port][:ip], pssl:[port][:ip], or the name of a bridge";

function fail(text: string, column: number, message: string): never {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  throw new OfsyncError("ADDRESS_INVALID", `"${shown}" is no address of a switch: ${message}`, {
    place: { column, text: shown },
    hint: FORMS,
  });
}

/**
 * Reads an address. Besides the six forms that name a method, an absolute path is a Unix socket, and a plain name is a bridge
 * of the Open vSwitch on this machine: `br0` is `unix:/var/run/openvswitch/br0.mgmt`.
 *
 * @param text - `unix:/path`, `tcp:host[:port]`, `ssl:host[:port]` to dial; `punix:/path`, `ptcp:[port][:ip]`, `pssl:[port][:ip]`
 *   to listen. IPv6 addresses stand in brackets. The port is 6653 unless given.
 * @param options - `runDirectory`: where the sockets of bridges are, default the environment's `OVS_RUNDIR`, else `/var/run/openvswitch`.
 * @throws {@link OfsyncError} `ADDRESS_INVALID` with the column of the fault.
 */
export function parseAddress(text: string, options: { readonly runDirectory?: string } = {}): SwitchAddress {
  if (typeof text !== "string")
    throw new OfsyncError("ADDRESS_INVALID", "the address of a switch must be a text", { hint: FORMS });
  if (text === "") fail(text, 1, "it is empty");
  const blank = /[\s\0]/.exec(text);
  if (blank !== null) fail(text, blank.index + 1, "it contains white space");
  const colon = text.indexOf(":");
  if (colon < 0) {
    if (text.startsWith("/")) return { kind: "unix", path: text };
    if (text.includes("/")) fail(text, 1, "a relative path needs unix: in front");
    const directory = options.runDirectory ?? process.env.OVS_RUNDIR ?? DEFAULT_RUN_DIRECTORY;
    return { kind: "unix", path: `${directory}/${text}.mgmt` };
  }
  const kind = text.slice(0, colon);
  const rest = text.slice(colon + 1);
  switch (kind) {
    case "unix":
    case "punix":
      if (rest === "") fail(text, colon + 2, "the path is missing");
      // sun_path of Linux holds 108 bytes with the terminating zero; a longer one would be cut off in silence.
      if (new TextEncoder().encode(rest).length > 107) fail(text, colon + 2, "the path of a Unix socket holds 107 bytes at most");
      return { kind, path: rest };
    case "tcp":
    case "ssl": {
      const { host, port } = splitHost(text, rest, colon + 2);
      return { kind, host, port };
    }
    case "ptcp":
    case "pssl":
      return listenAddress(kind, text, rest, colon + 2);
    default:
      return fail(text, 1, `"${kind}:" is not known`);
  }
}

/** As {@link parseAddress}, for a place to dial only. */
export function parseDialAddress(text: string, options: { readonly runDirectory?: string } = {}): DialAddress {
  const address = parseAddress(text, options);
  if (address.kind === "unix" || address.kind === "tcp" || address.kind === "ssl") return address;
  return fail(text, 1, "this is an address to listen at, and one to dial is needed");
}

/** As {@link parseAddress}, for a place to listen at only. */
export function parseListenAddress(text: string): ListenAddress {
  const address = parseAddress(text);
  if (address.kind === "punix" || address.kind === "ptcp" || address.kind === "pssl") return address;
  return fail(text, 1, "this is an address to dial, and one to listen at is needed");
}

/** The address as text, in the form that {@link parseAddress} reads. */
export function formatAddress(address: SwitchAddress): string {
  switch (address.kind) {
    case "unix":
    case "punix":
      return `${address.kind}:${address.path}`;
    case "tcp":
    case "ssl":
      return `${address.kind}:${bracketed(address.host)}:${address.port}`;
    case "ptcp":
    case "pssl":
      return `${address.kind}:${address.port}${address.host === undefined ? "" : `:${bracketed(address.host)}`}`;
  }
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function splitHost(text: string, rest: string, column: number): { host: string; port: number } {
  if (rest.startsWith("[")) {
    const end = rest.indexOf("]");
    if (end < 0) fail(text, column, "the bracket is not closed");
    const host = rest.slice(1, end);
    if (isIP(host) !== 6) fail(text, column + 1, `"${host}" is no IPv6 address`);
    const after = rest.slice(end + 1);
    if (after !== "" && !after.startsWith(":")) fail(text, column + end + 1, "only a port may follow the bracket");
    return { host, port: after === "" ? DEFAULT_OPENFLOW_PORT : readPort(text, after.slice(1), column + end + 2, 1) };
  }
  const colon = rest.indexOf(":");
  if (colon !== rest.lastIndexOf(":")) fail(text, column, "an IPv6 address must stand in brackets");
  const host = colon < 0 ? rest : rest.slice(0, colon);
  if (host === "") fail(text, column, "the host is missing");
  return { host, port: colon < 0 ? DEFAULT_OPENFLOW_PORT : readPort(text, rest.slice(colon + 1), column + colon + 1, 1) };
}

function listenAddress(kind: "ptcp" | "pssl", text: string, rest: string, column: number): ListenAddress {
  const colon = rest.indexOf(":");
  const portText = colon < 0 ? rest : rest.slice(0, colon);
  const port = portText === "" ? DEFAULT_OPENFLOW_PORT : readPort(text, portText, column, 0);
  if (colon < 0) return { kind, port };
  const hostText = rest.slice(colon + 1);
  const host = /^\[.*\]$/.test(hostText) ? hostText.slice(1, -1) : hostText;
  const family = isIP(host);
  if (family === 0) fail(text, column + colon + 1, `"${hostText}" is no IP address`);
  if (family === 6 && host === hostText) fail(text, column + colon + 1, "an IPv6 address must stand in brackets");
  return { kind, host, port };
}

function readPort(text: string, digits: string, column: number, least: number): number {
  const port = /^[0-9]{1,5}$/.test(digits) ? Number(digits) : Number.NaN;
  if (!(port >= least && port <= 65535)) fail(text, column, `"${digits}" is no port (${least} to 65535)`);
  return port;
}
