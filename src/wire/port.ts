import type { ByteWriter } from "../bytes.ts";
import { type Body, type BodyCodec, type MessageHead, type MultipartHead, putMac, putText } from "./message-head.ts";
import { Port, portFrom16, portTo16, putPort, readPort, readPort32 } from "./port-number.ts";
import { keepProperty, type OtherProperty, putOtherProperty, putPropertyU32 } from "./property.ts";
import { failWire } from "./wire-error.ts";
import { propertyU32, readProperty, type WireReader } from "./wire-reader.ts";

/** A port of a switch. */
export interface PortDescription {
  readonly port: number;
  /** `00:11:22:33:44:55`. */
  readonly hardwareAddress: string;
  readonly name: string;
  /** Bits of `ofp_port_config`: 1 down, 4 no receive, 32 no forward, 64 no packet-in; OpenFlow 1.0 has three more. */
  readonly config: number;
  /** Bits of `ofp_port_state`: 1 link down, 2 blocked, 4 live; OpenFlow 1.0: STP state in bits 8 and 9. */
  readonly state: number;
  /** Features in OpenFlow 1.1's numbering, also of an OpenFlow 1.0 port. */
  readonly current: number;
  readonly advertised: number;
  readonly supported: number;
  readonly peer: number;
  /** kbit/s; 0 where not told (OpenFlow 1.0). */
  readonly currentSpeed: number;
  readonly maxSpeed: number;
  /** What OpenFlow 1.4 and later tell beyond that, such as optical features. */
  readonly properties?: readonly OtherProperty[];
}

/** A port was added, deleted or modified. */
export interface PortStatus extends MessageHead {
  readonly type: "portStatus";
  readonly reason: "add" | "delete" | "modify";
  readonly port: PortDescription;
}

export interface PortMod extends MessageHead {
  readonly type: "portMod";
  readonly port: number;
  readonly hardwareAddress: string;
  readonly config: number;
  /** Which bits of `config` are to change. */
  readonly mask: number;
  /** Features to advertise, in OpenFlow 1.1's numbering; 0 = as before. */
  readonly advertise: number;
  readonly properties?: readonly OtherProperty[];
}

export interface PortDescRequest extends MultipartHead {
  readonly type: "portDescRequest";
  /** OpenFlow 1.5 asks for one port; `Port.any` = all. Earlier versions always ask for all. */
  readonly port: number;
}

export interface PortDescReply extends MultipartHead {
  readonly type: "portDescReply";
  readonly ports: readonly PortDescription[];
}

const REASONS: readonly PortStatus["reason"][] = ["add", "delete", "modify"];
const ETHERNET_PROPERTY = 0;

function featuresFrom10(features: number): number {
  return (features & 0x7f) | ((features & 0xf80) << 4);
}

function featuresTo10(features: number): number {
  return (features & 0x7f) | ((features & 0xf800) >>> 4);
}

/** Kilobits per second of the fastest of OpenFlow 1.0's features. */
function speedOf(features: number): number {
  if (features & 0x40) return 10_000_000;
  if (features & 0x30) return 1_000_000;
  if (features & 0x0c) return 100_000;
  return features & 0x03 ? 10_000 : 0;
}

/** Reads one port as the reader's version describes it. */
export function readPortDescription(reader: WireReader): PortDescription {
  if (reader.version === 1) return readPort10(reader);
  return reader.version < 5 ? readPort11(reader) : readPort14(reader);
}

function readPort10(reader: WireReader): PortDescription {
  const port = portFrom16(reader.u16());
  const hardwareAddress = reader.mac();
  const name = reader.text(16);
  const config = reader.u32();
  const state = reader.u32();
  const current = featuresFrom10(reader.u32());
  const advertised = featuresFrom10(reader.u32());
  const supported = featuresFrom10(reader.u32());
  const peer = featuresFrom10(reader.u32());
  const currentSpeed = speedOf(current);
  return {
    port,
    hardwareAddress,
    name,
    config,
    state,
    current,
    advertised,
    supported,
    peer,
    currentSpeed,
    maxSpeed: speedOf(supported),
  };
}

function readPort11(reader: WireReader): PortDescription {
  const port = readPort32(reader);
  reader.skip(4);
  const hardwareAddress = reader.mac();
  reader.skip(2);
  const name = reader.text(16);
  const config = reader.u32();
  const state = reader.u32();
  return { port, hardwareAddress, name, config, state, ...readEthernet(reader) };
}

function readEthernet(reader: WireReader): Omit<PortDescription, "port" | "hardwareAddress" | "name" | "config" | "state"> {
  const current = reader.u32();
  const advertised = reader.u32();
  const supported = reader.u32();
  const peer = reader.u32();
  const currentSpeed = reader.u32();
  return { current, advertised, supported, peer, currentSpeed, maxSpeed: reader.u32() };
}

function readPort14(reader: WireReader): PortDescription {
  const start = reader.at;
  reader.need(40, "a port description", "OFPBRC_BAD_LEN");
  const port = reader.u32();
  const length = reader.u16();
  if (length < 40 || start + length > reader.end) {
    failWire("WIRE_LENGTH", `port description of ${length} bytes`, start + 4, "OFPBRC_BAD_LEN");
  }
  if (port >= 0xff00 && port < Port.max) {
    failWire("WIRE_VALUE", `port ${port} is out of range`, start, "OFPBAC_BAD_OUT_PORT");
  }
  reader.skip(2);
  const hardwareAddress = reader.mac();
  reader.skip(2);
  const name = reader.text(16);
  const config = reader.u32();
  const state = reader.u32();
  let ethernet = { current: 0, advertised: 0, supported: 0, peer: 0, currentSpeed: 0, maxSpeed: 0 };
  const part = reader.part(length - 40);
  const properties: OtherProperty[] = [];
  while (part.left > 0) {
    const property = readProperty(part);
    if (property.type !== ETHERNET_PROPERTY) {
      properties.push(keepProperty(property));
      continue;
    }
    if (property.body.left !== 28) {
      failWire("WIRE_LENGTH", "Ethernet property must have 32 bytes", property.start + 2, "OFPBPC_BAD_LEN");
    }
    property.body.skip(4);
    ethernet = readEthernet(property.body);
  }
  const other = properties.length > 0 ? { properties } : {};
  return { port, hardwareAddress, name, config, state, ...ethernet, ...other };
}

/** Appends one port as the version describes it. */
export function putPortDescription(w: ByteWriter, port: PortDescription, version: number): void {
  if (version === 1) {
    w.u16(portTo16(port.port, "port"));
    putMac(w, port.hardwareAddress);
    putText(w, port.name, 16);
    w.u32(port.config);
    w.u32(port.state);
    w.u32(featuresTo10(port.current));
    w.u32(featuresTo10(port.advertised));
    w.u32(featuresTo10(port.supported));
    w.u32(featuresTo10(port.peer));
    return;
  }
  const at = w.reserve(8);
  w.view.setUint32(at, port.port);
  putMac(w, port.hardwareAddress);
  w.u16(0);
  putText(w, port.name, 16);
  w.u32(port.config);
  w.u32(port.state);
  if (version >= 5) {
    const header = w.reserve(8);
    w.view.setUint16(header, ETHERNET_PROPERTY);
    w.view.setUint16(header + 2, 32);
  }
  w.u32(port.current);
  w.u32(port.advertised);
  w.u32(port.supported);
  w.u32(port.peer);
  w.u32(port.currentSpeed);
  w.u32(port.maxSpeed);
  if (version < 5) return;
  for (const property of port.properties ?? []) putOtherProperty(w, property);
  w.view.setUint16(at + 4, w.length - at);
}

export const portStatusCodec: BodyCodec<PortStatus> = {
  decode(reader): Body<PortStatus> {
    const reason = REASONS[reader.u8()] ?? reader.bad("reason is not known", 1, "NXBRC_BAD_REASON");
    reader.skip(7);
    return { reason, port: readPortDescription(reader) };
  },
  encode(message, w, version): void {
    const at = w.reserve(8);
    w.view.setUint8(at, REASONS.indexOf(message.reason));
    putPortDescription(w, message.port, version);
  },
};

export const portModCodec: BodyCodec<PortMod> = {
  decode(reader): Body<PortMod> {
    const { version } = reader;
    const port = readPort(reader);
    if (version > 1) reader.skip(4);
    const hardwareAddress = reader.mac();
    if (version > 1) reader.skip(2);
    const config = reader.u32();
    const mask = reader.u32();
    if (version === 1) return { port, hardwareAddress, config, mask, advertise: featuresFrom10(reader.u32()) };
    if (version < 5) return { port, hardwareAddress, config, mask, advertise: reader.u32() };
    let advertise = 0;
    const properties: OtherProperty[] = [];
    while (reader.left > 0) {
      const property = readProperty(reader);
      if (property.type === ETHERNET_PROPERTY) advertise = propertyU32(property);
      else properties.push(keepProperty(property));
    }
    const other = properties.length > 0 ? { properties } : {};
    return { port, hardwareAddress, config, mask, advertise, ...other };
  },
  encode(message, w, version): void {
    putPort(w, message.port, version, "port");
    if (version > 1) w.u32(0);
    putMac(w, message.hardwareAddress);
    if (version > 1) w.u16(0);
    w.u32(message.config);
    w.u32(message.mask);
    if (version === 1) {
      w.u32(featuresTo10(message.advertise));
      w.u32(0);
    } else if (version < 5) {
      w.u32(message.advertise);
      w.u32(0);
    } else {
      if (message.advertise !== 0) putPropertyU32(w, ETHERNET_PROPERTY, message.advertise);
      for (const property of message.properties ?? []) putOtherProperty(w, property);
    }
  },
};

export const portDescRequestCodec: BodyCodec<PortDescRequest> = {
  decode: (reader) => ({ port: reader.version < 6 ? Port.any : readPort32(reader) }),
  encode(message, w, version): void {
    if (version < 6) return;
    w.u32(message.port);
    w.u32(0);
  },
};

export const portDescReplyCodec: BodyCodec<PortDescReply> = {
  decode(reader): Body<PortDescReply> {
    const ports: PortDescription[] = [];
    while (reader.left > 0) ports.push(readPortDescription(reader));
    return { ports };
  },
  encode(message, w, version): void {
    for (const port of message.ports) putPortDescription(w, port, version);
  },
};
