import { isOfsyncError } from "../../errors.ts";
import { noFacts } from "../../flow/match-facts.ts";
import { createFlowModView, type PackedFlow } from "../../flow/packed-flow.ts";
import { parseInstructions } from "../actions/parse-instructions.ts";
import { type ParseOptions, parseContext } from "../parse-match.ts";
import { type ActionContext, ActionScanner, type SlowActions } from "./action-scanner.ts";
import { Cursor } from "./cursor.ts";
import { MatchScanner } from "./match-scanner.ts";

const CT_INVALID = 16;

/** The compiler keeps what it has learnt, whichever reader taught it. */
let isPrimed = false;

/** The fast road for one line: match and actions together. */
export class FastLineReader {
  readonly #cursor = new Cursor();
  readonly #match: MatchScanner;
  readonly #actions: ActionScanner;
  /** False where the text's rules differ from those the fast road knows (OpenFlow 1.0 to 1.2): then every line is for the careful road. */
  readonly #usable: boolean;

  /** Throws `OPTION_INVALID` for a compat or a version that there is not. */
  constructor(options: ParseOptions) {
    parseContext("", options);
    const version = options.version ?? "OpenFlow15";
    this.#usable = version === "OpenFlow13" || version === "OpenFlow14" || version === "OpenFlow15";
    // Who wants to hear of changes gets them from the careful road.
    this.#match = new MatchScanner(this.#cursor, options.compat === "ovs" && options.onWarning === undefined);
    this.#actions = new ActionScanner(this.#cursor, this.#match, new CarefulActions(options));
  }

  /** Where the statistics of the last line are; see {@link MatchScanner.statistics}. */
  get statistics(): Int32Array {
    return this.#match.statistics;
  }

  /**
   * Reads the line `bytes[start, end)`, which has no line end, into `into`. The byte ranges are valid until the next call.
   * False: the careful road has to read this line.
   */
  read(bytes: Uint8Array, start: number, end: number, into: PackedFlow): boolean {
    if (!this.#usable) return false;
    const cursor = this.#cursor;
    cursor.setLine(bytes, start, end);
    const match = this.#match;
    const actions = this.#actions;
    if (!match.scan() || !actions.scan()) return false;
    into.table = match.table;
    into.priority = match.priority;
    into.cookieHigh = match.cookieHigh;
    into.cookieLow = match.cookieLow;
    into.idleTimeout = match.idleTimeout;
    into.hardTimeout = match.hardTimeout;
    into.importance = 0;
    into.flags = match.flags;
    into.matchBuffer = match.bytes;
    into.matchStart = 0;
    into.matchLength = match.length;
    into.instructionsBuffer = actions.bytes;
    into.instructionsStart = 0;
    into.instructionsLength = actions.length;
    return true;
  }

  /**
   * Runs a few lines of every usual form, so that the compiler has seen all branches before the first million lines: a dump is
   * sorted by table, and forms that turn up late would throw optimised code away again and again. Measured in `bench/text.ts`.
   */
  prime(): void {
    if (isPrimed) return;
    isPrimed = true;
    const lines = PRIMER.map((line) => Uint8Array.from(line, (c) => c.charCodeAt(0)));
    const flow = createFlowModView();
    for (let round = 0; round < 16; round++) for (const line of lines) this.read(line, 0, line.length, flow);
  }
}

/** Single actions, by the careful road. */
export class CarefulActions implements SlowActions {
  readonly #options: ParseOptions;

  constructor(options: ParseOptions) {
    this.#options = options;
  }

  read(text: string, context: ActionContext): Uint8Array | undefined {
    const facts = noFacts();
    if (context.ethType !== 0) facts.ethType = context.ethType;
    if (context.ipProto !== 0) facts.ipProto = context.ipProto;
    facts.vlanPresent = context.vlanPresent;
    if (context.ctInvalid) {
      facts.ctStateValue = CT_INVALID;
      facts.ctStateMask = CT_INVALID;
    }
    let changed = false;
    const { compat, version, ports } = this.#options;
    const onWarning = (): void => {
      changed = true;
    };
    const ctx = parseContext(text, { compat, version, ports, onWarning });
    try {
      const { bytes } = parseInstructions(ctx, 0, text.length, facts, 0);
      if (changed && this.#options.onWarning !== undefined) return undefined;
      // One apply-actions and nothing else, or this is no action that could stand among others.
      const isApply = bytes.length > 8 && bytes[1] === 4 && (((bytes[2] as number) << 8) | (bytes[3] as number)) === bytes.length;
      return isApply ? bytes.subarray(8) : undefined;
    } catch (error) {
      if (isOfsyncError(error)) return undefined;
      throw error;
    }
  }
}

const PRIMER: readonly string[] = [
  " cookie=0x9736c2b9, duration=10.725s, table=8, n_packets=0, n_bytes=0, idle_age=10, priority=100,in_port=37 actions=set_field:0x25->reg13,set_field:0xa->metadata,resubmit(,8)",
  "cookie=0xdd77e0c8, table=27, priority=50, arp, arp_op=1, arp_tpa=10.174.0.29, metadata=0xae,actions=set_field:50:54:00:ae:00:14->eth_src,set_field:2->arp_op,set_field:10.174.0.29->arp_spa,output:34",
  "cookie=0xe337d014, table=8, priority=50, reg14=0x11/0xffffffff, metadata=0x22/0xffffffffffffffff actions=set_field:0/0x1000->reg10,resubmit(,73)",
  "table=19 priority=61 ip_dst=10.124.192.0/20 cookie=0xf5631332 metadata=0x6e ip,actions=set_field:0/0xffff00000000->xreg4,set_field:0xa8fe0001/0xffffffff->xreg0,resubmit(,20)",
  "cookie=0x1,table=19,n_packets=4294967296,n_bytes=99999999999,priority=1,udp,dl_dst=aB:Cd:eF:fA:0b:9c,nw_src=1.2.3.4 actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],push:NXM_OF_IN_PORT[],pop:NXM_OF_IN_PORT[],dec_ttl(),conjunction(4294967295,1/2)",
  "table=15,priority=1,tcp actions=dec_ttl,ct(commit,table=22,zone=NXM_NX_REG13[0..15],nat(dst=10.68.0.29:8001),exec(set_field:0x2/0x2->ct_mark)),move:NXM_NX_REG0[]->NXM_NX_REG1[]",
  "table=15,priority=1,tcp actions=ct(commit,zone=NXM_NX_REG13[0..15],nat(src=172.16.0.1)),ct(table=4,nat),output:NXM_NX_REG15[]",
  "table=46,priority=2002,tcp,reg15=0x8,metadata=0x1,tp_dst=0xc00/0xff00 actions=conjunction(1,2/2)",
  "cookie=0x56fa1bf5,table=79,idle_timeout=7200,hard_timeout=60,priority=100,ip,reg14=0xd,metadata=0x2,dl_src=50:54:00:02:00:0d,nw_src=10.2.0.22 actions=drop",
  "cookie=0x73b22396 table=75 priority=95 ipv6 reg15=0xd ipv6_dst=fd00:10::1:0/64 dl_dst=50:54:00:01:00:0d metadata=0x1 actions=12",
  "table=10,priority=90,icmp6,nw_ttl=255,icmp_type=135,icmp_code=0,nd_target=fe80::5054:ff:fe00:1,nd_sll=50:54:00:00:00:01 actions=drop",
  "table=10,priority=90,icmp6,nw_ttl=255,icmp_type=136,icmp_code=0,nd_tll=50:54:00:00:00:01,ipv6_src=::/1 actions=conjunction(77,1/3),conjunction(78,2/2)",
  "table=15,priority=65535,ct_state=-new+est-rel+rpl-inv+trk,ct_label=0/0x1,ct_mark=0x1/0x1 actions=resubmit(,16)",
  "table=15,priority=1,ct_state=0x21/0x23,udp,udp_dst=53,udp_src=1024/0xfc00,nw_dst=10.0.0.0/255.255.255.0 actions=set_field:0x1/0x1->xxreg0,resubmit(,16)",
  "table=3,priority=7,conj_id=9,tun_id=0x5/0xff,pkt_mark=0x1,ct_zone=3,xreg1=0x100000002,xxreg2=0x1,dl_type=0x800,nw_proto=17,tp_src=67 actions=drop",
  "table=4,priority=8,dl_vlan=5,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,nw_src=1.2.3.4,ip,nw_tos=16,nw_frag=not_later actions=output:7,output:8",
  "table=4,priority=8,vlan_tci=0x0000/0x1000,send_flow_rem,sctp,sctp_dst=9,tun_src=1.1.1.1,tun_dst=2.2.2.2 actions=set_field:1.2.3.4->ip_dst,resubmit(,5)",
  "table=5,priority=8,arp,arp_spa=10.0.0.0/8,arp_sha=50:54:00:00:00:01,arp_tha=50:54:00:00:00:02,in_port=LOCAL actions=resubmit(,6)",
];
