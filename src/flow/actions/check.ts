/** Do actions fit the match of their flow? The rules are those of Open vSwitch's `ofpacts_check`. */

import type { Prerequisite } from "../fields.ts";
import { fieldByName } from "../fields.ts";
import { type MatchFacts, noFacts } from "../match-facts.ts";
import { ReservedPort } from "../ports.ts";
import { describePrerequisite, ETH_TYPE, IP_PROTO, ND_ADVERT, ND_SOLICIT } from "../prerequisites.ts";
import type { Action, LearnAction, LearnSpec } from "./action.ts";
import { ENCAP_HEADERS } from "./encap.ts";
import { actionName } from "./names.ts";
import { isOutputPort, portNumber } from "./port-ref.ts";
import { loadToSet } from "./set-field.ts";
import { toFieldBytes } from "./values.ts";

/** Why actions do not fit. */
export interface CheckFault {
  /** Path of indexes to the culprit: its place in the list, then in the list nested in that, and so on. */
  readonly path: readonly number[];
  readonly openflowError: string;
  readonly message: string;
  readonly hint: string | undefined;
  /** OpenFlow 1.0 allows it all the same. */
  readonly soft: boolean;
}

/** What {@link checkActions} found. */
export interface Checked {
  /** The actions, with what the match tells about them filled in (`tagged`, `protocol`); the very same list when nothing was. */
  readonly actions: readonly Action[];
  /** The first hard fault, or else the first soft one. */
  readonly fault: CheckFault | undefined;
}

/** Table number that stands for "not said". */
export const ANY_TABLE = 255;

const CFI = 0x10;
const CT_VALID = 0xcf;
const CT_INVALID = 0x10;
const CT_TRACKED = 0x20;
const ETHERTYPE_NAMESPACE = 1;
/** The Ethernet type of packets that are not Ethernet, and the packet type after a decap that nobody can foresee. */
const NO_ETH_TYPE = 0x05ff;
const UNKNOWN_PACKET = 0xffff_ffff;
const NSH_PACKET = 0x1894f;
const MAX_METER = 0xffff_0000;

/** The facts while actions run: they change from action to action. */
class State {
  packetType: number;
  dlType: number;
  nwProto: number;
  vlan: [outer: boolean, inner: boolean];
  readonly facts: MatchFacts;

  constructor(facts: MatchFacts) {
    this.facts = facts;
    this.packetType = facts.packetType;
    this.dlType = facts.ethType ?? 0;
    this.nwProto = facts.ipProto ?? 0;
    this.vlan = [facts.vlanPresent, false];
  }

  save(): [number, number, number, [boolean, boolean]] {
    return [this.packetType, this.dlType, this.nwProto, [...this.vlan]];
  }

  restore([packetType, dlType, nwProto, vlan]: [number, number, number, [boolean, boolean]]): void {
    this.packetType = packetType;
    this.dlType = dlType;
    this.nwProto = nwProto;
    this.vlan = vlan;
  }

  get ethType(): number {
    if (this.packetType === 0) return this.dlType;
    return this.packetType >>> 16 === ETHERTYPE_NAMESPACE ? this.packetType & 0xffff : NO_ETH_TYPE;
  }

  get isIp(): boolean {
    return this.ethType === ETH_TYPE.ip || this.ethType === ETH_TYPE.ipv6;
  }

  get isMpls(): boolean {
    return this.ethType === ETH_TYPE.mpls || this.ethType === ETH_TYPE.mplsMulticast;
  }

  get ctValid(): boolean {
    const { ctStateValue: state, ctStateMask: mask } = this.facts;
    return (state & CT_VALID) !== 0 || ((state & CT_TRACKED) !== 0 && (mask & CT_INVALID) !== 0 && (state & CT_INVALID) === 0);
  }

  meets(prerequisite: Prerequisite): boolean {
    const { ethType } = this;
    const transport = (protocol: number): boolean => this.isIp && this.nwProto === protocol && !this.facts.laterFragment;
    const icmp6 = ethType === ETH_TYPE.ipv6 && this.nwProto === IP_PROTO.icmpv6;
    const nd = icmp6 && (this.facts.icmpCode ?? 0) === 0 ? this.facts.icmpType : undefined;
    switch (prerequisite) {
      case "none":
        return true;
      case "ethernet":
        return this.packetType === 0;
      case "vlan":
        return this.packetType === 0 && this.vlan[0];
      case "mpls":
        return this.isMpls;
      case "ipv4":
        return ethType === ETH_TYPE.ip;
      case "ipv6":
        return ethType === ETH_TYPE.ipv6;
      case "ip":
        return this.isIp;
      case "arp":
        return ethType === ETH_TYPE.arp || ethType === ETH_TYPE.rarp;
      case "nsh":
        return ethType === ETH_TYPE.nsh;
      case "ct":
        return this.ctValid;
      case "tcp":
        return transport(IP_PROTO.tcp);
      case "udp":
        return transport(IP_PROTO.udp);
      case "sctp":
        return transport(IP_PROTO.sctp);
      case "icmp4":
        return ethType === ETH_TYPE.ip && this.nwProto === IP_PROTO.icmp;
      case "icmp6":
        return icmp6;
      case "nd":
        return nd === ND_SOLICIT || nd === ND_ADVERT;
      case "ndSolicit":
        return nd === ND_SOLICIT;
      case "ndAdvert":
        return nd === ND_ADVERT;
    }
  }
}

interface Fault {
  readonly openflowError: string;
  readonly message: string;
  readonly hint?: string;
  readonly soft?: boolean;
  readonly path?: readonly number[];
}

const inconsistent = "OFPBAC_MATCH_INCONSISTENT";

function needs(state: State, name: string, action: Action): Fault | undefined {
  const field = fieldByName(name);
  if (field === undefined || state.meets(field.prerequisite)) return undefined;
  return {
    openflowError: inconsistent,
    message: `${actionName(action)} uses ${field.name}, which the match does not allow for`,
    hint: `match ${describePrerequisite(field.prerequisite)}`,
  };
}

function needsSource(state: State, name: string, action: Action): Fault | undefined {
  return needs(state, name, action);
}

function needsDestination(state: State, name: string, action: Action): Fault | undefined {
  const fault = needs(state, name, action);
  if (fault !== undefined) return fault;
  const field = fieldByName(name);
  if (field === undefined || field.writable) return undefined;
  return { openflowError: "OFPBAC_BAD_SET_ARGUMENT", message: `${field.name} cannot be written` };
}

function soft(action: Action, prerequisite: Prerequisite | string): Fault {
  return {
    openflowError: inconsistent,
    message: `the match does not allow for ${actionName(action)}`,
    hint: `match ${prerequisite}`,
    soft: true,
  };
}

function badPort(port: number): Fault {
  return { openflowError: "OFPBAC_BAD_OUT_PORT", message: `nothing can be sent to port ${port}` };
}

// Bit 12 of the 16 bits that the action writes: whether a tag is there afterwards.
function writtenTag(action: Action): boolean | undefined {
  if (action.type === "setField" && action.field === "vlan_tci") {
    const field = fieldByName("vlan_tci");
    return field === undefined ? undefined : ((toFieldBytes(field, action.value, "value")[0] as number) & CFI) !== 0;
  }
  if (action.type === "load" && action.destination.field === "vlan_tci")
    return ((loadToSet(action).value[0] as number) & CFI) !== 0;
  return undefined;
}

function learnFault(action: LearnAction, state: State): Fault | undefined {
  const learned = new State(noFacts());
  const facts = { ...learned.facts };
  for (const spec of action.specs ?? []) {
    if (spec.type === "matchField" || spec.type === "loadField" || spec.type === "output") {
      const fault = needsSource(state, spec.source.field, action);
      if (fault !== undefined) return fault;
    }
    if (spec.type === "output") continue;
    const target = new State(facts);
    target.vlan = learned.vlan;
    const fault =
      spec.type === "matchField" || spec.type === "matchValue"
        ? needsSource(target, spec.destination.field, action)
        : needsDestination(target, spec.destination.field, action);
    if (fault !== undefined) return fault;
    if (spec.type === "matchValue") learnFact(spec, facts, learned);
  }
  return undefined;
}

// What the learned flow will match, as far as prerequisites of later parts ask for it.
function learnFact(spec: Extract<LearnSpec, { type: "matchValue" }>, facts: MatchFacts, learned: State): void {
  const field = fieldByName(spec.destination.field);
  if (field === undefined || field.bytes > 4) return;
  const bytes = toFieldBytes(field, spec.value, "value");
  let number = 0;
  for (const byte of bytes) number = number * 256 + byte;
  const offset = spec.destination.offset ?? 0;
  const bits = spec.destination.bits ?? field.bits;
  const shifted = (number * 2 ** offset) % 2 ** 32;
  const mask = ((2 ** bits - 1) * 2 ** offset) % 2 ** 32;
  const merge = (old: number | undefined): number => (((old ?? 0) & ~mask) | shifted) >>> 0;
  switch (field.name) {
    case "packet_type":
      facts.packetType = merge(facts.packetType);
      break;
    case "eth_type":
      facts.ethType = merge(facts.ethType);
      break;
    case "nw_proto":
      facts.ipProto = merge(facts.ipProto);
      break;
    case "vlan_tci":
    case "vlan_vid":
      if ((mask & 0x1000) !== 0) learned.vlan[0] = (shifted & 0x1000) !== 0;
      break;
    case "dl_vlan":
      learned.vlan[0] = true;
      break;
    case "icmp_type":
    case "icmpv6_type":
      facts.icmpType = merge(facts.icmpType);
      break;
    case "icmp_code":
    case "icmpv6_code":
      facts.icmpCode = merge(facts.icmpCode);
      break;
    case "ip_frag":
      facts.laterFragment = (shifted & 2) !== 0;
      break;
    case "ct_state":
      facts.ctStateValue = merge(facts.ctStateValue);
      facts.ctStateMask = (facts.ctStateMask | mask) >>> 0;
      break;
    default:
  }
}

function ctFault(action: Extract<Action, { type: "ct" }>, state: State): Fault | undefined {
  const invalid = (state.facts.ctStateValue & CT_INVALID) !== 0 && action.commit === true;
  const ftp = action.alg === "ftp" || action.alg === 21;
  const tftp = action.alg === "tftp" || action.alg === 69;
  if (!state.isIp)
    return { openflowError: inconsistent, message: "ct needs IP packets", hint: `match ${describePrerequisite("ip")}` };
  if (invalid)
    return {
      openflowError: inconsistent,
      message: "ct cannot commit connections that are invalid",
      hint: "do not match ct_state=+inv",
    };
  if (ftp && state.nwProto !== IP_PROTO.tcp)
    return { openflowError: inconsistent, message: "alg=ftp needs TCP packets", hint: "match tcp" };
  if (tftp && state.nwProto !== IP_PROTO.udp)
    return { openflowError: inconsistent, message: "alg=tftp needs UDP packets", hint: "match udp" };
  return undefined;
}

function natFault(action: Extract<Action, { type: "nat" }>, state: State): Fault | undefined {
  const v6 = action.address?.first.includes(":") === true;
  const v4 = action.address !== undefined && !v6;
  if (!state.isIp || (v4 && state.ethType !== ETH_TYPE.ip) || (v6 && state.ethType !== ETH_TYPE.ipv6)) {
    return {
      openflowError: inconsistent,
      message: "the match does not allow for nat, or for addresses of its family",
      hint: `match ${describePrerequisite(v4 ? "ipv4" : v6 ? "ipv6" : "ip")}`,
    };
  }
  return undefined;
}

function faultOf(action: Action, state: State, table: number): Fault | undefined {
  switch (action.type) {
    case "output":
    case "outputTruncated": {
      const port = portNumber(action.port, "port");
      return isOutputPort(port) ? undefined : badPort(port);
    }
    case "enqueue": {
      const port = portNumber(action.port, "port");
      return port < 0xff00 || port === ReservedPort.IN_PORT || port === ReservedPort.LOCAL ? undefined : badPort(port);
    }
    case "bundle": {
      const fault = action.destination === undefined ? undefined : needsDestination(state, action.destination.field, action);
      if (fault !== undefined) return fault;
      for (const member of action.members) {
        const port = portNumber(member, "members");
        if (port === ReservedPort.CONTROLLER || !(isOutputPort(port) || port === ReservedPort.ANY)) return badPort(port);
      }
      return undefined;
    }
    case "outputReg":
      return needsSource(state, action.source.field, action);
    case "setField":
    case "load": {
      const name = action.type === "setField" ? action.field : action.destination.field;
      const fault = needs(state, name, action);
      if (fault !== undefined) return fault;
      if (fieldByName(name)?.name === "vlan_vid" && !state.vlan[0]) {
        return {
          openflowError: inconsistent,
          message: "set_field of vlan_vid needs a VLAN tag",
          hint: `match ${describePrerequisite("vlan")}, or write push_vlan before`,
        };
      }
      const tag = writtenTag(action);
      if (tag !== undefined) state.vlan[0] = tag;
      return undefined;
    }
    case "move":
      return needsSource(state, action.source.field, action) ?? needsDestination(state, action.destination.field, action);
    case "push":
      return needsSource(state, action.subfield.field, action);
    case "pop":
      return needsDestination(state, action.subfield.field, action);
    case "multipath":
      return needsDestination(state, action.destination.field, action);
    case "setVlanVid":
    case "setVlanPcp": {
      const tagged = state.vlan[0];
      state.vlan[0] = true;
      return tagged || action.pushIfNeeded === true
        ? undefined
        : soft(action, `${describePrerequisite("vlan")}, or write mod_vlan_vid or mod_vlan_pcp`);
    }
    case "popVlan": {
      const tagged = state.vlan[0];
      state.vlan = tagged && state.vlan[1] ? [true, false] : [false, state.vlan[1]];
      return tagged ? undefined : soft(action, describePrerequisite("vlan"));
    }
    case "pushVlan":
      if (state.vlan[1]) return { openflowError: "OFPBAC_BAD_TAG", message: "more than two VLAN tags cannot be pushed" };
      state.vlan = [true, state.vlan[0]];
      return undefined;
    case "modNwSrc":
    case "modNwDst":
      return state.ethType === ETH_TYPE.ip ? undefined : soft(action, describePrerequisite("ipv4"));
    case "modNwTos":
    case "modNwEcn":
    case "modNwTtl":
    case "decTtl":
      return state.isIp ? undefined : soft(action, describePrerequisite("ip"));
    case "modTpSrc":
    case "modTpDst": {
      const { nwProto } = state;
      const known = nwProto === IP_PROTO.tcp || nwProto === IP_PROTO.udp || nwProto === IP_PROTO.sctp;
      return state.isIp && known && !state.facts.laterFragment ? undefined : soft(action, "tcp, udp or sctp");
    }
    case "setMplsLabel":
    case "setMplsTc":
    case "setMplsTtl":
    case "decMplsTtl":
      return state.isMpls ? undefined : soft(action, describePrerequisite("mpls"));
    case "pushMpls": {
      const ethernet = state.packetType === 0;
      state.dlType = action.etherType;
      state.nwProto = 0;
      return ethernet ? undefined : soft(action, describePrerequisite("ethernet"));
    }
    case "popMpls": {
      const fits = state.packetType === 0 && state.isMpls;
      state.dlType = action.etherType;
      return fits ? undefined : soft(action, describePrerequisite("mpls"));
    }
    case "deleteField":
      return fieldByName(action.field)?.variable === true
        ? undefined
        : { openflowError: "OFPBAC_BAD_ARGUMENT", message: "delete_field takes tun_metadata0 to tun_metadata63 only" };
    case "finTimeout":
      return state.nwProto === IP_PROTO.tcp ? undefined : soft(action, "tcp");
    case "encap":
      state.packetType = ENCAP_HEADERS.get(action.header) ?? 0;
      if (state.packetType >>> 16 === ETHERTYPE_NAMESPACE) state.dlType = state.packetType & 0xffff;
      if (!state.isIp) state.nwProto = 0;
      return undefined;
    case "decap":
      if (state.packetType === 0) state.packetType = ((ETHERTYPE_NAMESPACE << 16) | state.dlType) >>> 0;
      else {
        state.packetType = UNKNOWN_PACKET;
        state.dlType = 0xffff;
      }
      return undefined;
    case "decNshTtl":
      return state.packetType === NSH_PACKET || state.dlType === ETH_TYPE.nsh
        ? undefined
        : soft(action, describePrerequisite("nsh"));
    case "resubmit":
      return action.ct === true && !state.ctValid
        ? {
            openflowError: inconsistent,
            message: "resubmit with ct needs tracked packets",
            hint: `match ${describePrerequisite("ct")}`,
          }
        : undefined;
    case "learn":
      return learnFault(action, state);
    case "ct":
      return (
        ctFault(action, state) ?? (typeof action.zone === "object" ? needsSource(state, action.zone.field, action) : undefined)
      );
    case "nat":
      return natFault(action, state);
    case "meter":
      return action.meter === 0 || action.meter > MAX_METER
        ? { openflowError: "OFPMMFC_INVALID_METER", message: `meter ${action.meter} cannot be`, hint: `write 1 to ${MAX_METER}` }
        : undefined;
    case "gotoTable":
      return table !== ANY_TABLE && action.table <= table
        ? { openflowError: "OFPBIC_BAD_TABLE_ID", message: `goto_table must go to a later table than ${table}` }
        : undefined;
    default:
      return undefined;
  }
}

// Fills in what the match tells. Called before the action changes the state.
function annotate(action: Action, state: State): Action {
  if (action.type === "setVlanVid" || action.type === "setVlanPcp") {
    const tagged = state.vlan[0];
    if ((action.tagged === true) === tagged) return action;
    const { tagged: _old, ...rest } = action;
    return tagged ? { ...rest, tagged } : rest;
  }
  if (action.type === "modTpSrc" || action.type === "modTpDst") {
    const protocol = state.nwProto;
    if ((action.protocol ?? 0) === protocol) return action;
    const { protocol: _old, ...rest } = action;
    return protocol === 0 ? rest : { ...rest, protocol };
  }
  return action;
}

interface Run {
  hard: CheckFault | undefined;
  soft: CheckFault | undefined;
}

function report(run: Run, fault: Fault, path: readonly number[], ignoreSoft: boolean): void {
  const { openflowError, message, hint } = fault;
  const isSoft = fault.soft === true;
  if (isSoft ? ignoreSoft || run.soft !== undefined : run.hard !== undefined) return;
  run[isSoft ? "soft" : "hard"] = { path, openflowError, message, hint, soft: isSoft };
}

function checkList(
  actions: readonly Action[],
  state: State,
  table: number,
  path: readonly number[],
  ignoreSoft: boolean,
  run: Run,
): readonly Action[] {
  const saved = state.save();
  let changed: Action[] | undefined;
  for (let i = 0; i < actions.length && run.hard === undefined; i++) {
    const action = actions[i] as Action;
    let seen = annotate(action, state);
    const here = [...path, i];
    const fault = faultOf(action, state, table);
    if (fault !== undefined) report(run, fault, here, ignoreSoft);
    // A `ct` whose zone comes from a field is not looked into, as in Open vSwitch.
    const nested =
      seen.type === "clone" || seen.type === "writeActions" || (seen.type === "ct" && typeof seen.zone !== "object")
        ? seen.actions
        : undefined;
    if (nested !== undefined && run.hard === undefined) {
      const inner = checkList(nested, state, table, here, ignoreSoft || seen.type === "writeActions", run);
      if (inner !== nested) seen = { ...seen, actions: inner } as Action;
    }
    if (seen !== action && changed === undefined) changed = actions.slice(0, i);
    changed?.push(seen);
  }
  state.restore(saved);
  if (changed === undefined || run.hard !== undefined) return actions;
  return changed;
}

/** Checks actions against what the match tells; `table` is that of the flow, {@link ANY_TABLE} when it is not known. */
export function checkActions(actions: readonly Action[], facts: MatchFacts, table: number): Checked {
  const run: Run = { hard: undefined, soft: undefined };
  const checked = checkList(actions, new State(facts), table, [], false, run);
  return { actions: checked, fault: run.hard ?? run.soft };
}
