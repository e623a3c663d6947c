/**
 * Every action and instruction as a plain object, told apart by `type`. Names and units follow ovs-actions(7); the bytes of
 * each are in the codec next to this file that its group is named after.
 *
 * Objects that come out of bytes have every value in one form (ports by number or reserved name, field values as bytes);
 * objects that go in may use any form the types allow.
 */

/** Ports with a meaning of their own. */
export type ReservedPortName = "IN_PORT" | "TABLE" | "NORMAL" | "FLOOD" | "ALL" | "CONTROLLER" | "LOCAL" | "ANY" | "UNSET";

/** A port: its number (0 to 65279, or a reserved number in 16 or 32 bits), or the name of a reserved port. */
export type PortRef = number | ReservedPortName;

/** Some bits of a field: `bits` bits, the lowest being bit `offset`. */
export interface SubField {
  /** Name or alias of a field, such as `reg0`. */
  readonly field: string;
  /** Default 0. */
  readonly offset?: number;
  /** Default: up to the field's most significant bit. */
  readonly bits?: number;
}

/**
 * A value of a field. Bytes are big-endian and right-aligned. Text is a MAC, IPv4 or IPv6 address, or a number in decimal or
 * (after `0x`) hexadecimal.
 */
export type FieldValue = number | bigint | string | Uint8Array;

/** Sends the packet to a port. */
export interface OutputAction {
  readonly type: "output";
  readonly port: PortRef;
  /** Bytes to send to the controller; means nothing for other ports. Default 65535 for CONTROLLER, 0 otherwise. */
  readonly maxLength?: number;
}

/** Runs a group. */
export interface GroupAction {
  readonly type: "group";
  readonly group: number;
}

/** Sends the packet to the controller with more to say than `output` can. */
export interface ControllerAction {
  readonly type: "controller";
  /** Bytes to send; default 65535 = all. */
  readonly maxLength?: number;
  /** Default 0. */
  readonly controllerId?: number;
  /** A number or one of `no_match`, `action`, `invalid_ttl`, `action_set`, `group`, `packet_out`; default `action`. */
  readonly reason?: PacketInReason | number;
  readonly userdata?: Uint8Array;
  /** Freezes the packet until the controller resumes it. */
  readonly pause?: boolean;
  /** Meter that limits the rate; 0 = none, the default. */
  readonly meter?: number;
  /** The extended encoding (NXAST_CONTROLLER2), even where the short one could say it. */
  readonly extended?: boolean;
}

/** Why a packet goes to the controller. */
export type PacketInReason = "no_match" | "action" | "invalid_ttl" | "action_set" | "group" | "packet_out";

/** Sends the packet to a queue of a port (OpenFlow 1.0; later versions get `set_queue`, `output`, `pop_queue`). */
export interface EnqueueAction {
  readonly type: "enqueue";
  readonly port: PortRef;
  readonly queue: number;
}

/** Sends the packet to the port whose number is in a field. */
export interface OutputRegAction {
  readonly type: "outputReg";
  readonly source: SubField;
  /** Bytes to send when the port is the controller; default 65535. */
  readonly maxLength?: number;
  /** The encoding with room for an experimenter field (NXAST_OUTPUT_REG2), even where it is not needed. */
  readonly extended?: boolean;
}

/** Sends the first bytes of the packet to a port. */
export interface OutputTruncatedAction {
  readonly type: "outputTruncated";
  readonly port: PortRef;
  /** At least 14. */
  readonly maxLength: number;
}

/** What goes into a hash that chooses a member or a link. */
export type HashFields =
  | "eth_src"
  | "symmetric_l4"
  | "symmetric_l3l4"
  | "symmetric_l3l4+udp"
  | "nw_src"
  | "nw_dst"
  | "symmetric_l3";

/** Chooses a port among members, and sends the packet there or (with `destination`, `bundle_load`) writes it to a field. */
export interface BundleAction {
  readonly type: "bundle";
  readonly fields: HashFields;
  /** 0 to 65535. */
  readonly basis: number;
  readonly algorithm: "active_backup" | "hrw";
  readonly members: readonly PortRef[];
  /** At least 16 bits. */
  readonly destination?: SubField;
}

/** Writes a value, or the bits of it under a mask, to a field. */
export interface SetFieldAction {
  readonly type: "setField";
  readonly field: string;
  readonly value: FieldValue;
  /** Default: every bit. */
  readonly mask?: FieldValue;
  /** Written as NXAST_REG_LOAD2, which versions before 1.5 then see again. */
  readonly regLoad2?: boolean;
}

/** Writes a value to some bits of a field (NXAST_REG_LOAD). Means what the `setField` of the same bits means. */
export interface LoadAction {
  readonly type: "load";
  readonly destination: SubField;
  /** Right-aligned: bit 0 of the value goes to the lowest bit of `destination`. */
  readonly value: FieldValue;
}

/** Copies bits from one field to another. */
export interface MoveAction {
  readonly type: "move";
  readonly source: SubField;
  /** As many bits as `source`. */
  readonly destination: SubField;
  /** Written as ONF's copy-field extension of OpenFlow 1.3. */
  readonly onf?: boolean;
}

/** Puts bits of a field on the stack, or takes them back from it. */
export interface StackAction {
  readonly type: "push" | "pop";
  readonly subfield: SubField;
}

/** Sets the VLAN id of the outermost tag. */
export interface SetVlanVidAction {
  readonly type: "setVlanVid";
  /** 0 to 4095. */
  readonly vlan: number;
  /** Pushes a tag when the packet has none (`mod_vlan_vid`). */
  readonly pushIfNeeded?: boolean;
  /** Whether a tag is known to be there, from the match or an action before; filled in when the actions meet their match. */
  readonly tagged?: boolean;
}

/** Sets the priority of the outermost VLAN tag. */
export interface SetVlanPcpAction {
  readonly type: "setVlanPcp";
  /** 0 to 7. */
  readonly priority: number;
  /** Pushes a tag when the packet has none (`mod_vlan_pcp`). */
  readonly pushIfNeeded?: boolean;
  /** As in {@link SetVlanVidAction}. */
  readonly tagged?: boolean;
}

/** Pushes a VLAN tag (0x8100 or 0x88a8) or an MPLS label (0x8847 or 0x8848), or pops a label, naming what is below it. */
export interface EtherTypeAction {
  readonly type: "pushVlan" | "pushMpls" | "popMpls";
  readonly etherType: number;
}

/** Sets an Ethernet address. */
export interface ModEthernetAction {
  readonly type: "modDlSrc" | "modDlDst";
  /** Such as `00:11:22:33:44:55`. */
  readonly address: string;
}

/** Sets an IPv4 address. */
export interface ModIpv4Action {
  readonly type: "modNwSrc" | "modNwDst";
  /** Such as `10.0.0.1`. */
  readonly address: string;
}

/** Sets the type of service (`modNwTos`: 0 to 252 in steps of 4), the ECN bits (0 to 3) or the time to live (0 to 255). */
export interface ModIpByteAction {
  readonly type: "modNwTos" | "modNwEcn" | "modNwTtl";
  readonly value: number;
}

/** Sets a TCP, UDP or SCTP port. */
export interface ModPortAction {
  readonly type: "modTpSrc" | "modTpDst";
  /** 0 to 65535. */
  readonly port: number;
  /** The IP protocol that the match tells, 0 when none; filled in when the actions meet their match. */
  readonly protocol?: number;
}

/** Decrements the IP time to live. */
export interface DecTtlAction {
  readonly type: "decTtl";
  /** Controllers to tell when it reaches 0; default: those with id 0. */
  readonly controllers?: readonly number[];
}

/** Sets the label (20 bits), the traffic class (3 bits) or the time to live (8 bits) of the outermost MPLS label. */
export interface SetMplsAction {
  readonly type: "setMplsLabel" | "setMplsTc" | "setMplsTtl";
  readonly value: number;
}

/** Actions without arguments. */
export interface PlainAction {
  readonly type:
    | "popVlan"
    | "decMplsTtl"
    | "decNshTtl"
    | "popQueue"
    | "exit"
    | "ctClear"
    | "debugRecirc"
    | "debugSlow"
    | "clearActions";
}

/** Forgets a tunnel option (`tun_metadata0` to `tun_metadata63`). */
export interface DeleteFieldAction {
  readonly type: "deleteField";
  readonly field: string;
}

/** One property of {@link EncapAction}. */
export type EncapProperty =
  | { readonly type: "mdType" /** 1 or 2. */; readonly mdType: number }
  | {
      readonly type: "tlv";
      readonly tlvClass: number;
      readonly tlvType: number /** At most 247 bytes. */;
      readonly value: Uint8Array;
    };

/** Puts a header in front of the packet. */
export interface EncapAction {
  readonly type: "encap";
  readonly header: "ethernet" | "nsh" | "mpls" | "mpls_mc";
  /** Bytes; default 0 = not said. */
  readonly headerSize?: number;
  readonly properties?: readonly EncapProperty[];
}

/** Takes the outermost header off. */
export interface DecapAction {
  readonly type: "decap";
  /** What the packet is afterwards; default: what the header that was taken off said. */
  readonly packetType?: { readonly namespace: number; readonly type: number };
}

/** Sets the tunnel id. */
export interface SetTunnelAction {
  readonly type: "setTunnel";
  /** 64 bits, unsigned. */
  readonly id: bigint | number;
  /** Written as `set_tunnel64` even when 32 bits would do. */
  readonly wide?: boolean;
}

export interface SetQueueAction {
  readonly type: "setQueue";
  readonly queue: number;
}

/** Shortens the flow's timeouts when a TCP FIN or RST passes. */
export interface FinTimeoutAction {
  readonly type: "finTimeout";
  /** Seconds; default 0 = as it is. */
  readonly idleTimeout?: number;
  /** Seconds; default 0 = as it is. */
  readonly hardTimeout?: number;
}

/** Looks the packet up in a table, and comes back. */
export interface ResubmitAction {
  readonly type: "resubmit";
  /** Default `IN_PORT`: the port it came in by. */
  readonly port?: PortRef;
  /** 0 to 254; default: the present table. */
  readonly table?: number;
  /** Looks up with the original direction's 5-tuple of connection tracking. */
  readonly ct?: boolean;
  /** Written in the oldest encoding (NXAST_RESUBMIT), which has no table. */
  readonly legacy?: boolean;
}

/** One part of what a {@link LearnAction} learns. */
export type LearnSpec =
  | { readonly type: "matchField"; readonly destination: SubField; readonly source: SubField }
  | { readonly type: "matchValue"; readonly destination: SubField; readonly value: FieldValue }
  | { readonly type: "loadField"; readonly destination: SubField; readonly source: SubField }
  | { readonly type: "loadValue"; readonly destination: SubField; readonly value: FieldValue }
  | { readonly type: "output"; readonly source: SubField };

/** Adds or changes a flow made from the packet. */
export interface LearnAction {
  readonly type: "learn";
  /** 0 to 254; default 1. */
  readonly table?: number;
  /** Default 32768. */
  readonly priority?: number;
  /** Seconds; default 0 = never. */
  readonly idleTimeout?: number;
  readonly hardTimeout?: number;
  readonly finIdleTimeout?: number;
  readonly finHardTimeout?: number;
  /** 64 bits, unsigned; default 0. */
  readonly cookie?: bigint | number;
  readonly sendFlowRemoved?: boolean;
  /** Removing this action removes what it learned. */
  readonly deleteLearned?: boolean;
  /** At most so many flows; default 0 = any number. */
  readonly limit?: number;
  /** One bit that tells whether a flow was learned. */
  readonly resultDestination?: SubField;
  readonly specs?: readonly LearnSpec[];
  /** The extended encoding (NXAST_LEARN2), even where the short one could say it. */
  readonly extended?: boolean;
}

/** The flow is clause `clause` of `clauses` of the conjunctive match `id`. */
export interface ConjunctionAction {
  readonly type: "conjunction";
  readonly id: number;
  /** 1 to `clauses`. */
  readonly clause: number;
  /** 2 to 64. */
  readonly clauses: number;
}

/** Chooses a link by hash and writes its number (0 to links - 1) to a field. */
export interface MultipathAction {
  readonly type: "multipath";
  readonly fields: HashFields;
  readonly basis: number;
  readonly algorithm: "modulo_n" | "hash_threshold" | "hrw" | "iter_hash";
  /** 1 to 65536. */
  readonly links: number;
  readonly argument: number;
  readonly destination: SubField;
}

/** Does nothing; carries bytes for people. Padded with zeros to 6, 14, 22 … bytes. */
export interface NoteAction {
  readonly type: "note";
  readonly data: Uint8Array;
}

/** Samples packets to IPFIX collectors. */
export interface SampleAction {
  readonly type: "sample";
  /** 1 to 65535, out of 65535. */
  readonly probability: number;
  readonly collectorSetId?: number;
  readonly observationDomainId?: number;
  readonly observationPointId?: number;
  readonly samplingPort?: PortRef;
  readonly direction?: "ingress" | "egress";
  /** The encoding: 1, 2 or 3; default: the oldest that can say it. */
  readonly encoding?: 1 | 2 | 3;
}

/** Passes the packet through connection tracking. */
export interface CtAction {
  readonly type: "ct";
  readonly commit?: boolean;
  /** Only with `commit`. */
  readonly force?: boolean;
  /** Where the tracked packet goes on, 0 to 254; default: nowhere. */
  readonly table?: number;
  /** A number (default 0) or 16 bits of a field. */
  readonly zone?: number | SubField;
  /** A helper by name or by its port number. */
  readonly alg?: "ftp" | "tftp" | number;
  /** `nat` and, with `commit`, writes to `ct_mark` and `ct_label`, in order. */
  readonly actions?: readonly Action[];
}

/** Translates addresses; only inside {@link CtAction}. */
export interface NatAction {
  readonly type: "nat";
  /** Default: translate as the connection already is. */
  readonly direction?: "src" | "dst";
  /** IPv4 or IPv6. */
  readonly address?: { readonly first: string /** Default: `first` alone. */; readonly last?: string };
  /** Only with `address`. */
  readonly ports?: { readonly first: number; readonly last?: number };
  readonly persistent?: boolean;
  readonly hash?: boolean;
  readonly random?: boolean;
}

/** Runs actions on a copy of the packet. */
export interface CloneAction {
  readonly type: "clone";
  readonly actions: readonly Action[];
}

/** Writes to one bit whether the packet is longer than `length` bytes. */
export interface CheckPktLargerAction {
  readonly type: "checkPktLarger";
  readonly length: number;
  readonly destination: SubField;
}

/** Passes the packet through a meter. An instruction in OpenFlow 1.3 and 1.4, an action in 1.5. */
export interface MeterAction {
  readonly type: "meter";
  readonly meter: number;
}

/** Adds actions to the action set. */
export interface WriteActionsInstruction {
  readonly type: "writeActions";
  readonly actions: readonly Action[];
}

/** Writes bits of the metadata field. */
export interface WriteMetadataInstruction {
  readonly type: "writeMetadata";
  readonly value: bigint | number;
  /** Default: every bit. */
  readonly mask?: bigint | number;
}

export interface GotoTableInstruction {
  readonly type: "gotoTable";
  readonly table: number;
}

/** Any action or instruction. */
export type Action =
  | OutputAction
  | GroupAction
  | ControllerAction
  | EnqueueAction
  | OutputRegAction
  | OutputTruncatedAction
  | BundleAction
  | SetFieldAction
  | LoadAction
  | MoveAction
  | StackAction
  | SetVlanVidAction
  | SetVlanPcpAction
  | EtherTypeAction
  | ModEthernetAction
  | ModIpv4Action
  | ModIpByteAction
  | ModPortAction
  | DecTtlAction
  | SetMplsAction
  | PlainAction
  | DeleteFieldAction
  | EncapAction
  | DecapAction
  | SetTunnelAction
  | SetQueueAction
  | FinTimeoutAction
  | ResubmitAction
  | LearnAction
  | ConjunctionAction
  | MultipathAction
  | NoteAction
  | SampleAction
  | CtAction
  | NatAction
  | CloneAction
  | CheckPktLargerAction
  | MeterAction
  | WriteActionsInstruction
  | WriteMetadataInstruction
  | GotoTableInstruction;

export type ActionType = Action["type"];

/** The action object of one `type`. */
export type ActionOf<T extends ActionType, A = Action> = A extends { readonly type: infer U } ? (T extends U ? A : never) : never;
