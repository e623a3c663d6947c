import { ASYNC_KINDS, type AsyncKind, type AsyncMasks, type AsyncMessage, allowedReasons } from "../async-config.ts";
import { BUNDLE_CONTROL_TYPES, type BundleControl } from "../bundle.ts";
import type { ConfigMessage, FeaturesReply } from "../features.ts";
import { REMOVED_REASONS } from "../flow-removed.ts";
import type { EchoMessage, HelloMessage } from "../hello.ts";
import { PACKET_IN_REASONS } from "../packet.ts";
import type { ControllerRole, RoleMessage, RoleStatus } from "../role.ts";
import type { DescReply } from "../switch-description.ts";
import { actionBitmapText } from "./feature-names.ts";
import { portsText } from "./port-text.ts";
import { bitNames, type Format, hex, hexDump } from "./text-parts.ts";

/** Texts of messages about the connection and the switch as a whole. */

/** `whole`: the bytes of the whole message, for a hello that was not understood. */
export function helloText(message: HelloMessage, whole: () => Uint8Array): string {
  const versions = message.versions.map((version) => `0x${version.toString(16).padStart(2, "0")}`).join(", ");
  const text = `\n version bitmap: ${versions}`;
  return message.elements === undefined ? text : `${text}\n unknown data in hello:\n${hexDump(whole(), true)}`;
}

export function echoText(message: EchoMessage, format: Format): string {
  const text = ` ${message.data.length} bytes of payload\n`;
  return format.verbosity > 1 ? text + hexDump(message.data, true) : text;
}

const CAPABILITIES: ReadonlyMap<number, string> = new Map([
  [0x001, "FLOW_STATS"],
  [0x002, "TABLE_STATS"],
  [0x004, "PORT_STATS"],
  [0x008, "GROUP_STATS"],
  [0x010, "STP"],
  [0x020, "IP_REASM"],
  [0x040, "QUEUE_STATS"],
  [0x080, "ARP_MATCH_IP"],
  [0x100, "PORT_BLOCKED"],
  [0x200, "BUNDLES"],
  [0x400, "FLOW_MONITORING"],
]);

/** Capability bits by name; bit 3 is STP in OpenFlow 1.0. Bits that a version does not define are not shown. */
function capabilitiesText(capabilities: number, version: number): string {
  const common = 0x67;
  const known = version <= 2 ? common | 0x80 : version <= 4 ? common | 0x100 : common | 0x700;
  const stp = version === 1 && (capabilities & 8) !== 0;
  const groups = version > 1 && (capabilities & 8) !== 0;
  return bitNames((capabilities & known) | (stp ? 0x10 : 0) | (groups ? 8 : 0), CAPABILITIES, " ");
}

export function featuresText(message: FeaturesReply): string {
  let text = ` dpid:${message.datapathId.toString(16).padStart(16, "0")}\n`;
  text += `n_tables:${message.tables}, n_buffers:${message.buffers}`;
  if (message.auxiliaryId !== 0) text += `, auxiliary_id:${message.auxiliaryId}`;
  text += `\ncapabilities: ${capabilitiesText(message.capabilities, message.version)}\n`;
  const actions = message.version === 1 ? actionBitmapText(message.actions, 1) : "<none>";
  if (actions !== "<none>") text += `actions: ${actions}\n`;
  return text + portsText(message.ports, message.version);
}

const FRAGMENTS: readonly string[] = ["normal", "drop", "reassemble", "nx-match"];

export function configText(message: ConfigMessage): string {
  const ttl = message.version < 4 && (message.flags & 4) !== 0 ? " invalid_ttl_to_controller" : "";
  return ` frags=${FRAGMENTS[message.flags & 3]}${ttl} miss_send_len=${message.missSendLength}\n`;
}

const ROLES: Readonly<Record<ControllerRole, string>> = {
  nochange: "nochange",
  equal: "equal",
  master: "primary",
  slave: "secondary",
};

const NO_GENERATION = 0xffff_ffff_ffff_ffffn;

function roleAndGeneration(role: ControllerRole, generationId: bigint): string {
  return ` role=${ROLES[role]}${generationId === NO_GENERATION ? "" : ` generation_id=${generationId}`}`;
}

export function roleText(message: RoleMessage): string {
  return roleAndGeneration(message.role, message.generationId ?? NO_GENERATION);
}

const ROLE_REASONS: readonly string[] = ["primary_request", "configuration_changed", "experimenter_data_changed"];

export function roleStatusText(message: RoleStatus): string {
  const reason = ROLE_REASONS[message.reason] ?? "(unknown)";
  return `${roleAndGeneration(message.role, message.generationId)} reason=${reason}`;
}

const ASYNC_NAMES: Readonly<Record<AsyncKind, string>> = {
  packetIn: "PACKET_IN",
  portStatus: "PORT_STATUS",
  flowRemoved: "FLOW_REMOVED",
  roleStatus: "ROLE_STATUS",
  tableStatus: "TABLE_STATUS",
  requestForward: "REQUESTFORWARD",
};

const ASYNC_REASONS: Readonly<Record<AsyncKind, readonly (string | undefined)[]>> = {
  packetIn: PACKET_IN_REASONS,
  portStatus: ["add", "delete", "modify"],
  flowRemoved: REMOVED_REASONS,
  roleStatus: ROLE_REASONS,
  tableStatus: [undefined, undefined, undefined, "vacancy_down", "vacancy_up"],
  requestForward: ["group_mod_request", "meter_mod_request"],
};

export function asyncText(message: AsyncMessage): string {
  return asyncRole("primary", message.master, message.version) + asyncRole("secondary", message.slave, message.version);
}

function asyncRole(title: string, masks: AsyncMasks, version: number): string {
  let text = `\n ${title}:\n`;
  for (const kind of ASYNC_KINDS) {
    const mask = (masks[kind] ?? 0) & allowedReasons(kind, version);
    text += `${ASYNC_NAMES[kind].padStart(16)}:`;
    for (let i = 0; i < 32; i++) if ((mask & (1 << i)) !== 0) text += ` ${ASYNC_REASONS[kind][i] ?? i}`;
    text += mask === 0 ? " (off)\n" : "\n";
  }
  return text;
}

const BUNDLE_FLAGS: ReadonlyMap<number, string> = new Map([
  [1, "atomic"],
  [2, "ordered"],
]);

/** ` bundle_id=… flags=…`, with the type of a control message between. */
export function bundleText(bundleId: number, flags: number, control?: BundleControl["control"]): string {
  const known = typeof control === "string" ? BUNDLE_CONTROL_TYPES.indexOf(control) : -1;
  const name =
    known < 0
      ? ""
      : String(control)
          .replace(/([A-Z])/g, "_$1")
          .toUpperCase();
  const id = bundleId === 0 ? "0" : hex(bundleId);
  return `\n bundle_id=${id}${control === undefined ? "" : ` type=${name}`} flags=${bitNames(flags, BUNDLE_FLAGS, " ")}`;
}

export function descText(message: DescReply): string {
  return (
    `\nManufacturer: ${message.manufacturer}\nHardware: ${message.hardware}\nSoftware: ${message.software}\n` +
    `Serial Num: ${message.serialNumber}\nDP Description: ${message.datapath}\n`
  );
}
