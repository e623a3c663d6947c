import { Flow, formatFlow, Instructions, Match, type OpenFlowVersion } from "../index.ts";
import type { OpenFlowMessage } from "../openflow.ts";

const VERSIONS: readonly OpenFlowVersion[] = ["OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"];

/** One readable line: version, xid, type, and every part of the message as `name=value`. */
export function messageLine(message: OpenFlowMessage): string {
  const { type, version, xid, ...parts } = message;
  const name = VERSIONS[version - 1] ?? `version ${version}`;
  const text = listText(parts, versionOf(version));
  return `${name} xid=0x${xid.toString(16)} ${type}${text === "" ? "" : ` ${text}`}`;
}

/** The message as plain JSON data: bytes as hexadecimal digits, 64-bit numbers as `0x…`, matches and instructions as flow text. */
export function messageData(message: OpenFlowMessage): unknown {
  return plain(message, versionOf(message.version));
}

function versionOf(version: number): OpenFlowVersion {
  return VERSIONS[version - 1] ?? "OpenFlow15";
}

function listText(parts: object, version: OpenFlowVersion): string {
  return Object.entries(parts)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${valueText(value, version)}`)
    .join(" ");
}

function valueText(value: unknown, version: OpenFlowVersion): string {
  if (value instanceof Match || value instanceof Instructions || value instanceof Flow)
    return `{${String(plain(value, version))}}`;
  if (value instanceof Uint8Array) return value.length === 0 ? "(empty)" : hex(value);
  if (Array.isArray(value)) return `[${value.map((entry) => valueText(entry, version)).join(", ")}]`;
  if (typeof value === "bigint") return `0x${value.toString(16)}`;
  if (typeof value === "string") return /^[\w.:-]+$/.test(value) ? value : JSON.stringify(value);
  if (typeof value === "object" && value !== null) return `{${listText(value, version)}}`;
  return String(value);
}

function plain(value: unknown, version: OpenFlowVersion): unknown {
  if (value instanceof Match) return formatFlow(new Flow({ match: value }), { version }).replace(/ ?actions=drop$/, "");
  if (value instanceof Instructions) return formatFlow(new Flow({ instructions: value }), { version }).replace(/^actions=/, "");
  if (value instanceof Flow) return formatFlow(value, { version });
  if (value instanceof Uint8Array) return hex(value);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, entry]) => [String(key), plain(entry, version)]));
  if (Array.isArray(value)) return value.map((entry) => plain(entry, version));
  if (typeof value === "bigint") return `0x${value.toString(16)}`;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, entry]) => entry !== undefined)
      .map(([name, entry]) => [name, plain(entry, version)]),
  );
}

export function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}
