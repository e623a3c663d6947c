import { ByteWriter } from "../bytes.ts";
import type { Match } from "../flow/match.ts";
import { decodeMatch } from "../flow/match-codec.ts";
import { Port } from "./port-number.ts";
import { failWire } from "./wire-error.ts";
import type { WireReader } from "./wire-reader.ts";

/** Bytes of OpenFlow 1.1's own match, its 4-byte header included. */
const BYTES = 88;

/** Wildcard bits (OpenFlow 1.1 §A.2.3). */
const Wild = {
  inPort: 0x001,
  vlan: 0x002,
  vlanPriority: 0x004,
  etherType: 0x008,
  tos: 0x010,
  protocol: 0x020,
  sourcePort: 0x040,
  destinationPort: 0x080,
  mplsLabel: 0x100,
  mplsClass: 0x200,
} as const;

const NO_VLAN = 0xffff;
const ANY_VLAN = 0xfffe;

/** Appends an OXM or NXM TLV; `header` is its class and field without length. */
function put(w: ByteWriter, header: number, value: Uint8Array, mask?: Uint8Array): void {
  const masked = mask?.some((byte) => byte !== 0xff) ?? false;
  w.u32((header | (masked ? 0x100 : 0) | (masked ? 2 * value.length : value.length)) >>> 0);
  w.bytes(value.map((byte, i) => byte & (mask?.[i] ?? 0xff)));
  if (masked && mask !== undefined) w.bytes(mask);
}

function putMasked(w: ByteWriter, header: number, value: Uint8Array, inverse: Uint8Array): void {
  const mask = inverse.map((byte) => ~byte & 0xff);
  if (mask.some((byte) => byte !== 0)) put(w, header, value, mask);
}

/**
 * Reads OpenFlow 1.1's own match, whose header (type 0) the reader has just passed: `start` is where it began. Parts without
 * their prerequisite fall away, as in Open vSwitch.
 */
export function readOfp11Match(reader: WireReader, start: number, length: number): Match {
  if (length !== BYTES || reader.left < BYTES - 4) {
    failWire("WIRE_LENGTH", `OpenFlow 1.1 match of ${length} bytes`, start + 2, "OFPBMC_BAD_LEN");
  }
  const inPort = reader.take(4);
  const wild = reader.u32();
  const hardware = Array.from({ length: 4 }, () => reader.take(6)) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const vlan = reader.u16();
  const vlanPriority = reader.u8();
  reader.skip(1);
  const etherType = reader.take(2);
  const tos = reader.u8();
  const protocol = reader.take(1);
  const addresses = Array.from({ length: 4 }, () => reader.take(4)) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const ports = [reader.take(2), reader.take(2)] as const;
  const mplsLabel = reader.take(4);
  const mplsClass = reader.take(1);
  reader.skip(3);
  const metadata = reader.take(8);
  const metadataMask = reader.take(8);
  const has = (bit: number): boolean => (wild & bit) === 0;
  const bad = (message: string): never => failWire("WIRE_VALUE", message, start, "OFPBMC_BAD_VALUE");

  const w = new ByteWriter(256);
  const port = new DataView(inPort.buffer).getUint32(0);
  if (has(Wild.inPort)) {
    if (port >= 0xff00 && port < Port.max) bad(`port ${port} is out of range`);
    put(w, 0x80000000, inPort);
  }
  if (hardware[1].some((byte) => byte !== 0xff) || hardware[3].some((byte) => byte !== 0xff)) {
    putMasked(w, 0x80000800, hardware[0], hardware[1]);
    putMasked(w, 0x80000600, hardware[2], hardware[3]);
  }
  if (has(Wild.vlan)) putVlan(w, vlan, has(Wild.vlanPriority) ? vlanPriority : undefined, bad);
  const type = has(Wild.etherType) ? ((etherType[0] as number) << 8) | (etherType[1] as number) : -1;
  if (type >= 0) put(w, 0x80000a00, etherType);
  const ipv4 = type === 0x0800;
  const arp = type === 0x0806 || type === 0x8035;
  if (ipv4 && has(Wild.tos)) {
    if ((tos & 3) !== 0) bad(`type of service ${tos}`);
    put(w, 0x80001000, Uint8Array.of(tos >> 2));
  }
  if (ipv4 || arp) {
    if (has(Wild.protocol)) put(w, arp ? 0x80002a00 : 0x80001400, arp ? Uint8Array.of(0, protocol[0] as number) : protocol);
    putMasked(w, arp ? 0x80002c00 : 0x80001600, addresses[0], addresses[1]);
    putMasked(w, arp ? 0x80002e00 : 0x80001800, addresses[2], addresses[3]);
  }
  if (ipv4) putPorts(w, has(Wild.protocol) ? (protocol[0] as number) : 0, ports, wild, start);
  if (type === 0x8847 || type === 0x8848) {
    if (has(Wild.mplsLabel)) put(w, 0x80004400, mplsLabel);
    if (has(Wild.mplsClass)) put(w, 0x80004600, mplsClass);
  }
  putMasked(w, 0x80000400, metadata, metadataMask);
  return decodeMatch(w.buffer, 0, w.length, { strict: false });
}

function putVlan(w: ByteWriter, vlan: number, priority: number | undefined, bad: (message: string) => never): void {
  if (vlan === NO_VLAN) {
    put(w, 0x00000800, Uint8Array.of(0, 0));
    return;
  }
  if (vlan !== ANY_VLAN && vlan >= 4096) bad(`VLAN ${vlan}`);
  if (priority !== undefined && priority > 7) bad(`VLAN priority ${priority}`);
  const tci = 0x1000 | (vlan === ANY_VLAN ? 0 : vlan) | ((priority ?? 0) << 13);
  const mask = 0x1000 | (vlan === ANY_VLAN ? 0 : 0x0fff) | (priority === undefined ? 0 : 0xe000);
  put(w, 0x00000800, Uint8Array.of(tci >> 8, tci & 0xff), Uint8Array.of(mask >> 8, mask & 0xff));
}

/** Fields of the source and destination port by IP protocol. */
const PORT_FIELDS: ReadonlyMap<number, readonly [number, number]> = new Map([
  [1, [0x80002600, 0x80002800]],
  [6, [0x80001a00, 0x80001c00]],
  [17, [0x80001e00, 0x80002000]],
  [132, [0x80002200, 0x80002400]],
]);

function putPorts(w: ByteWriter, protocol: number, ports: readonly [Uint8Array, Uint8Array], wild: number, start: number): void {
  const fields = PORT_FIELDS.get(protocol);
  if (fields === undefined) return;
  for (const [i, bit] of [Wild.sourcePort, Wild.destinationPort].entries()) {
    if ((wild & bit) !== 0) continue;
    const value = ports[i] as Uint8Array;
    if (protocol !== 1) put(w, fields[i] as number, value);
    else if (value[0] !== 0) failWire("WIRE_VALUE", "ICMP type or code above 255", start, "OFPBMC_BAD_FIELD");
    else put(w, fields[i] as number, value.subarray(1));
  }
}
