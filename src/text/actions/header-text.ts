/** Text of the actions on single header fields: VLAN, MPLS, mod_*, time to live, tunnel. */
import type { Action, ActionOf } from "../../flow/actions/action.ts";
import { ipv4Bytes } from "../../flow/actions/values.ts";
import { formatMac, readMac } from "../../flow/address-text.ts";
import type { ActionReader } from "./action-reader.ts";
import { hexNumber } from "./print.ts";
import { TokenScanner } from "./token-scanner.ts";

type Parser = (reader: ActionReader, start: number, end: number) => Action;

const FROM_11 = 0x7c;

function parseVlanVid(pushIfNeeded: boolean): Parser {
  return (reader, start, end) => {
    const vlan = reader.small(start, end, "the VLAN id", 0xffff);
    if (vlan > 0xfff) return reader.fail("ACTION_VALUE", "a VLAN id has 12 bits", start, end, "write 0 to 4095");
    return { type: "setVlanVid", vlan, ...(pushIfNeeded ? { pushIfNeeded } : {}) };
  };
}

function parseVlanPcp(pushIfNeeded: boolean): Parser {
  return (reader, start, end) => {
    const priority = reader.small(start, end, "the VLAN priority", 0xff);
    if (priority > 7) return reader.fail("ACTION_VALUE", "a VLAN priority has 3 bits", start, end, "write 0 to 7");
    return { type: "setVlanPcp", priority, ...(pushIfNeeded ? { pushIfNeeded } : {}) };
  };
}

function parseEthernet(type: "modDlSrc" | "modDlDst"): Parser {
  return (reader, start, end) => {
    const bytes = new Uint8Array(6);
    const text = reader.text(start, end);
    const read = readMac(text, 0, bytes);
    const hint = "write six pairs of hexadecimal digits with colons, such as 00:1b:21:3c:9d:f8";
    if (read === undefined) return reader.fail("ACTION_VALUE", "this is no Ethernet address", start, end, hint);
    if (read.cut || read.end !== text.length)
      reader.lenient("ACTION_RANGE", "this is no clean Ethernet address", start, end, { hint });
    return { type, address: formatMac(bytes) };
  };
}

function parseIpv4(type: "modNwSrc" | "modNwDst"): Parser {
  return (reader, start, end) => {
    const address = reader.text(start, end);
    const bytes = ipv4Bytes(address);
    if (bytes === undefined || /(^|\.)0\d/.test(address))
      return reader.fail("ACTION_VALUE", "this is no IPv4 address", start, end, "write an address such as 10.0.0.1");
    return { type, address };
  };
}

function parseByte(type: "modNwTos" | "modNwEcn" | "modNwTtl", what: string, allowed: number, hint: string): Parser {
  return (reader, start, end) => {
    const value = reader.small(start, end, what, 0xff);
    if ((value & ~allowed) !== 0) return reader.fail("ACTION_VALUE", `${value} is no ${what}`, start, end, hint);
    return { type, value };
  };
}

function parsePort(type: "modTpSrc" | "modTpDst"): Parser {
  return (reader, start, end) => ({ type, port: reader.small(start, end, "the port", 0xffff) });
}

const parsePushVlan: Parser = (reader, start, end) => {
  reader.limitVersions(FROM_11);
  const etherType = reader.small(start, end, "the Ethernet type", 0xffff);
  if (etherType !== 0x8100 && etherType !== 0x88a8)
    return reader.fail("ACTION_VALUE", "this is no Ethernet type of a VLAN tag", start, end, "write 0x8100 or 0x88a8");
  return { type: "pushVlan", etherType };
};

function parseMplsType(type: "pushMpls" | "popMpls"): Parser {
  return (reader, start, end) => ({ type, etherType: reader.small(start, end, "the Ethernet type", 0xffff) });
}

function missing(reader: ActionReader, start: number, end: number, what: string): void {
  if (start === end) reader.fail("ACTION_VALUE", `the ${what} is missing`, start, end);
}

const parseMplsLabel: Parser = (reader, start, end) => {
  missing(reader, start, end, "MPLS label");
  const value = reader.word(start, end, "the MPLS label");
  if (value > 0xfffff) return reader.fail("ACTION_VALUE", "an MPLS label has 20 bits", start, end, "write 0 to 1048575");
  return { type: "setMplsLabel", value };
};

const parseMplsTc: Parser = (reader, start, end) => {
  missing(reader, start, end, "MPLS traffic class");
  const value = reader.small(start, end, "the MPLS traffic class", 0xff);
  if (value > 7) return reader.fail("ACTION_VALUE", "an MPLS traffic class has 3 bits", start, end, "write 0 to 7");
  return { type: "setMplsTc", value };
};

const parseMplsTtl: Parser = (reader, start, end) => {
  missing(reader, start, end, "MPLS time to live");
  return { type: "setMplsTtl", value: reader.small(start, end, "the MPLS time to live", 0xff) };
};

const parseDecTtl: Parser = (reader, start, end) => {
  if (start === end) return { type: "decTtl" };
  const tokens = new TokenScanner(reader.ctx.text, start, end);
  const controllers: number[] = [];
  while (tokens.next(", ") !== undefined) controllers.push(reader.decimal(tokens.start, tokens.stop, "a controller id", 0xffff));
  if (controllers.length === 0)
    return reader.fail("ACTION_VALUE", "dec_ttl(...) names no controller", start, end, "write dec_ttl, or controller ids");
  return { type: "decTtl", controllers };
};

function parseTunnel(wide: boolean): Parser {
  return (reader, start, end) => ({ type: "setTunnel", id: reader.long(start, end, "the tunnel id"), ...(wide ? { wide } : {}) });
}

/** Parsers by the name in text. */
export const headerParsers: ReadonlyMap<string, Parser> = /* @__PURE__ */ new Map<string, Parser>([
  ["set_vlan_vid", parseVlanVid(false)],
  ["mod_vlan_vid", parseVlanVid(true)],
  ["set_vlan_pcp", parseVlanPcp(false)],
  ["mod_vlan_pcp", parseVlanPcp(true)],
  ["push_vlan", parsePushVlan],
  ["mod_dl_src", parseEthernet("modDlSrc")],
  ["mod_dl_dst", parseEthernet("modDlDst")],
  ["mod_nw_src", parseIpv4("modNwSrc")],
  ["mod_nw_dst", parseIpv4("modNwDst")],
  ["mod_nw_tos", parseByte("modNwTos", "type of service", 0xfc, "write 0 to 252 in steps of 4")],
  ["mod_nw_ecn", parseByte("modNwEcn", "ECN", 3, "write 0 to 3")],
  ["mod_nw_ttl", parseByte("modNwTtl", "time to live", 0xff, "")],
  ["set_nw_ttl", parseByte("modNwTtl", "time to live", 0xff, "")],
  ["mod_tp_src", parsePort("modTpSrc")],
  ["mod_tp_dst", parsePort("modTpDst")],
  ["push_mpls", parseMplsType("pushMpls")],
  ["pop_mpls", parseMplsType("popMpls")],
  ["set_mpls_label", parseMplsLabel],
  ["set_mpls_tc", parseMplsTc],
  ["set_mpls_ttl", parseMplsTtl],
  ["dec_ttl", parseDecTtl],
  ["set_tunnel", parseTunnel(false)],
  ["set_tunnel64", parseTunnel(true)],
]);

type HeaderAction = ActionOf<
  | "setVlanVid"
  | "setVlanPcp"
  | "pushVlan"
  | "pushMpls"
  | "popMpls"
  | "modDlSrc"
  | "modDlDst"
  | "modNwSrc"
  | "modNwDst"
  | "modNwTos"
  | "modNwEcn"
  | "modNwTtl"
  | "modTpSrc"
  | "modTpDst"
  | "setMplsLabel"
  | "setMplsTc"
  | "setMplsTtl"
  | "decTtl"
  | "setTunnel"
>;

/** As Open vSwitch prints it. */
export function printHeaderAction(action: HeaderAction): string {
  switch (action.type) {
    case "setVlanVid":
      return `${action.pushIfNeeded === true ? "mod" : "set"}_vlan_vid:${action.vlan}`;
    case "setVlanPcp":
      return `${action.pushIfNeeded === true ? "mod" : "set"}_vlan_pcp:${action.priority}`;
    case "pushVlan":
      return `push_vlan:${hexNumber(action.etherType)}`;
    case "pushMpls":
      return `push_mpls:0x${action.etherType.toString(16).padStart(4, "0")}`;
    case "popMpls":
      return `pop_mpls:0x${action.etherType.toString(16).padStart(4, "0")}`;
    case "modDlSrc":
      return `mod_dl_src:${action.address}`;
    case "modDlDst":
      return `mod_dl_dst:${action.address}`;
    case "modNwSrc":
      return `mod_nw_src:${action.address}`;
    case "modNwDst":
      return `mod_nw_dst:${action.address}`;
    case "modNwTos":
      return `mod_nw_tos:${action.value}`;
    case "modNwEcn":
      return `mod_nw_ecn:${action.value}`;
    case "modNwTtl":
      return `mod_nw_ttl:${action.value}`;
    case "modTpSrc":
      return `mod_tp_src:${action.port}`;
    case "modTpDst":
      return `mod_tp_dst:${action.port}`;
    case "setMplsLabel":
      return `set_mpls_label(${action.value})`;
    case "setMplsTc":
      return `set_mpls_tc(${action.value})`;
    case "setMplsTtl":
      return `set_mpls_ttl(${action.value})`;
    case "decTtl":
      return action.controllers === undefined ? "dec_ttl" : `dec_ttl(${action.controllers.join(",")})`;
    case "setTunnel": {
      const wide = action.wide === true || BigInt(action.id) > 0xffff_ffffn;
      return `set_tunnel${wide ? "64" : ""}:${hexNumber(action.id)}`;
    }
  }
}
