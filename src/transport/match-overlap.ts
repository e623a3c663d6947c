import type { Match } from "../flow/match.ts";
import { type ReadOxmHeader, readOxmHeader } from "../flow/oxm.ts";

/** One field of a match: where its value and mask lie. */
interface Constraint {
  readonly header: ReadOxmHeader;
  readonly bytes: Uint8Array;
}

/** A match taken apart once, to be compared with many others. */
export type Constraints = ReadonlyMap<string, Constraint>;

const PACKET_TYPE = "packet_type";
const ETHERNET: Constraint = {
  header: {
    field: undefined,
    oxmClass: 0,
    type: 0,
    experimenter: 0,
    masked: false,
    payloadStart: 0,
    payloadLength: 4,
    size: 4,
  },
  bytes: new Uint8Array(4),
};

/** Takes the canonical bytes of a match apart. */
export function constraintsOf(match: Match): Constraints {
  const bytes = match.bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const constraints = new Map<string, Constraint>();
  let needsEthernet = false;
  for (let at = 0; at < bytes.length; ) {
    const header = readOxmHeader(view, at, bytes.length);
    const name = header.field?.name ?? `${header.oxmClass}.${header.type}.${header.experimenter}`;
    constraints.set(name, { header, bytes });
    if (header.field !== undefined && header.field.prerequisite !== "none") needsEthernet = true;
    at += header.size;
  }
  // A match on packet contents that names no packet type speaks of Ethernet packets.
  if (needsEthernet && !constraints.has(PACKET_TYPE)) constraints.set(PACKET_TYPE, ETHERNET);
  return constraints;
}

/** Is there a packet that both let through? Fields of which only one match speaks never keep two matches apart. */
export function overlap(a: Constraints, b: Constraints): boolean {
  for (const [name, mine] of a) {
    const other = b.get(name);
    if (other !== undefined && disagree(mine, other)) return false;
  }
  return true;
}

// Values are aligned at their ends: a variable-length field may be matched on fewer leading bytes by one of the two.
function disagree(a: Constraint, b: Constraint): boolean {
  const endA = a.header.payloadStart + a.header.payloadLength;
  const endB = b.header.payloadStart + b.header.payloadLength;
  const n = Math.min(a.header.payloadLength, b.header.payloadLength);
  for (let i = 1; i <= n; i++) {
    const maskA = a.header.masked ? (a.bytes[endA + a.header.payloadLength - i] as number) : 0xff;
    const maskB = b.header.masked ? (b.bytes[endB + b.header.payloadLength - i] as number) : 0xff;
    const valueA = a.bytes[endA - i] as number;
    const valueB = b.bytes[endB - i] as number;
    if (((valueA ^ valueB) & maskA & maskB) !== 0) return true;
  }
  return false;
}

/** Does it match on what only the switch itself may: `recirc_id` or `dp_hash`? */
export function namesInternals(match: Match): boolean {
  const { bytes } = match;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 4 <= bytes.length; at += 4 + view.getUint8(at + 3)) {
    // Class and type, without the bit that says whether there is a mask.
    const header = view.getUint32(at) >>> 9;
    // What controllers send has never been recirculated, so that may be said.
    if (header === RECIRC_ID && view.getUint32(at + 4) !== 0) return true;
    if (header === NXM_DP_HASH) return true;
    if (header === EXPERIMENTER_DP_HASH && at + 8 <= bytes.length && view.getUint32(at + 4) === NICIRA) return true;
  }
  return false;
}

const NICIRA = 0x2320;
const RECIRC_ID = 0x0001_4800 >>> 9;
const NXM_DP_HASH = 0x0001_4600 >>> 9;
const EXPERIMENTER_DP_HASH = 0xffff_0000 >>> 9;
