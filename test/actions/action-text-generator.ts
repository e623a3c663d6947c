import { FIELDS } from "../../src/flow/fields.ts";
import type { OpenFlowVersion } from "../../src/flow/version.ts";

const VERSIONS: readonly OpenFlowVersion[] = ["OpenFlow10", "OpenFlow13", "OpenFlow14", "OpenFlow15"];
const MATCHES: readonly string[] = [
  "",
  "",
  "",
  "ip,",
  "tcp,",
  "udp,",
  "ipv6,",
  "tcp6,",
  "mpls,",
  "dl_vlan=5,",
  "dl_vlan=5,tcp,",
  "vlan_tci=0,",
  "arp,",
  "icmp,",
  "sctp,",
  "icmp6,icmp_type=135,icmp_code=0,",
  "ct_state=+trk+est,ip,",
  "ct_state=+inv,ip,",
  "dl_type=0x894f,",
  "packet_type=(1,0x800),",
  "packet_type=(1,0x894f),",
  "table=3,",
];
const NUMBERS: readonly string[] = [
  "0",
  "1",
  "5",
  "0x10",
  "255",
  "256",
  "65535",
  "65536",
  "0xffffffff",
  "4294967296",
  "-1",
  "010",
  "08",
  "",
  "foo",
  "1x",
  " 3",
];
const PORTS: readonly string[] = [
  "1",
  "2",
  "LOCAL",
  "local",
  "in_port",
  "ANY",
  "NONE",
  "0xfffe",
  "65279",
  "65280",
  "65534",
  "4294967294",
  "CONTROLLER",
  "all",
  "FLOOD",
  "normal",
  "TABLE",
  "unset",
  "foo",
  "-1",
  "0",
];
const VALUES: readonly string[] = [
  "0",
  "1",
  "5",
  "0x10",
  "0xff",
  "0xffff",
  "0x123456789abcdef",
  "0xffffffffffffffff",
  "0x1/0xf",
  "0xff0/0xff0",
  "0x1234/0xff00",
  "10.0.0.1",
  "10.0.0.0/8",
  "00:11:22:33:44:55",
  "00:01:00:00:00:00/01:00:00:00:00:00",
  "::1",
  "fe80::/64",
  "LOCAL",
  "*",
  "foo",
  "65536",
  "-1",
  "0x",
  "48/0x3f",
  "4101",
  "0x1005",
];
const COMMON: readonly string[] = [
  "reg0",
  "NXM_NX_REG1",
  "xreg1",
  "xxreg1",
  "OXM_OF_PKT_REG2",
  "NXM_NX_XXREG0",
  "tun_id",
  "metadata",
  "eth_src",
  "NXM_OF_ETH_DST",
  "in_port",
  "pkt_mark",
  "tun_metadata0",
  "nw_ttl",
  "ip_src",
  "vlan_tci",
  "nsh_c1",
  "tcp_src",
  "ip_dscp",
  "NXM_NX_CT_LABEL",
  "vlan_vid",
  "ipv6_dst",
  "nw_tos",
];
const ALL: readonly string[] = FIELDS.filter(({ name }) => !/^tun_metadata./.test(name) || name === "tun_metadata0").flatMap(
  (field) => [field.name, ...field.aliases, ...field.headers.map((header) => header.name)],
);
const NATS: readonly string[] = [
  "nat",
  "nat()",
  "nat(src)",
  "nat(dst=10.0.0.1)",
  "nat(src=10.0.0.1-10.0.0.9:10-20,random)",
  "nat(src=10.0.0.9-10.0.0.1)",
  "nat(src=fe80::1)",
  "nat(dst=[fe80::1]:80)",
  "nat(src=[fe80::1]-[fe80::9]:1-2,hash,persistent)",
  "nat(src=10.0.0.1:0)",
  "nat(src=0.0.0.0)",
  "nat(src=abc)",
  "nat(src=1.2.3.4-1.2.3.4:5-5)",
  "nat(src,random)",
  "nat(hash)",
  "nat(src=1.2.3.300)",
  "nat(src=1.1.1.1:70000)",
  "nat(src=1.2.3.4,dst=1.2.3.4)",
  "nat(foo)",
];
const PLAIN: readonly string[] = [
  "pop_queue",
  "exit",
  "ct_clear",
  "dec_nsh_ttl",
  "dec_mpls_ttl",
  "strip_vlan",
  "pop_vlan",
  "pop_vlan:5",
  "clear_actions",
  "drop",
  "apply_actions(1)",
  "nat",
  "xyz",
  "output_trunc:5",
  "decap()",
  "decap(packet_type(ns=1,type=0x800))",
  "decap(packet_type(ns=9,type=1))",
  "decap(x)",
  "decap",
];

/** Makes up texts of flows, good and bad ones, from a seed. */
export class ActionTextGenerator {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  version(): OpenFlowVersion {
    return this.#pick(VERSIONS);
  }

  flow(): string {
    return `${this.#pick(MATCHES)}actions=${this.#list(0)}`;
  }

  #below(n: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)] as T;
  }

  #list(depth: number): string {
    const count = this.#pick([1, 1, 1, 1, 2, 2, 3]);
    return Array.from({ length: count }, () => this.#action(depth)).join(this.#pick([",", ",", ",", ", ", " "]));
  }

  #number(): string {
    return this.#pick(NUMBERS);
  }

  #part(): string {
    const name = this.#below(4) === 0 ? this.#pick(ALL) : this.#pick(COMMON);
    return name + this.#pick(["", "[]", "[0]", "[3..7]", "[0..15]", "[0..31]", "[5..2]", "[64]", "[", "[1..]"]);
  }

  #some(...parts: readonly string[]): string {
    return parts.filter((part) => part !== "").join(",");
  }

  #action(depth: number): string {
    const makers: readonly (() => string)[] = [
      () => this.#sending(),
      () => this.#sending(),
      () => this.#writing(),
      () => this.#writing(),
      () => this.#writing(),
      () => this.#header(),
      () => this.#header(),
      () => this.#steering(),
      () => this.#learn(),
      () => this.#ct(depth),
      () => this.#ct(depth),
      () => this.#pick(PLAIN),
      () => (depth < 2 ? `${this.#pick(["clone", "write_actions"])}(${this.#list(depth + 1)})` : "1"),
    ];
    return this.#pick(makers)();
  }

  #sending(): string {
    const port = this.#pick(PORTS);
    return this.#pick<() => string>([
      () => `output:${port}`,
      () => port,
      () => `group:${this.#number()}`,
      () => `output:${this.#part()}`,
      () => `output(port=${port},max_len=${this.#pick(["14", "13", "100", "foo"])})`,
      () => `enqueue${this.#pick([":1:2", "(1,2)", ":1q3", `:LOCAL:${this.#number()}`, `:${port}:5`, ":5"])}`,
      () =>
        `controller${this.#pick(["", `:${this.#number()}`, `(max_len=${this.#number()},id=5)`, `(id=${this.#number()})`, "(pause)", "(userdata=01.02)", "(userdata=1)", "(reason=invalid_ttl,pause)", "(reason=)", "(reason=foo)", `(meter_id=${this.#number()})`, "(foo=1)"])}`,
      () =>
        `bundle(${this.#pick(["eth_src", "symmetric_l4", "symmetric_l3l4+udp", "nw_src", "x"])},${this.#number()},${this.#pick(["hrw", "active_backup", "x"])},ofport,${this.#pick(["members", "slaves", "x"])}:${this.#pick(["1,2", "", "1", "LOCAL,5", "[1,2]"])})`,
      () => `bundle_load(eth_src,0,hrw,ofport,${this.#part()},members:1,2)`,
    ])();
  }

  #writing(): string {
    return this.#pick<() => string>([
      () => `set_field:${this.#pick(VALUES)}->${this.#pick(COMMON)}`,
      () => `set_field:${this.#pick(VALUES)}->${this.#pick(ALL)}`,
      () => `load:${this.#pick(VALUES)}->${this.#part()}`,
      () => `load:${this.#pick(VALUES)}->${this.#part()}`,
      () => `move:${this.#part()}->${this.#part()}`,
      () => `push:${this.#part()}`,
      () => `pop:${this.#part()}`,
      () =>
        `multipath(${this.#pick(["eth_src", "symmetric_l3", "x"])},${this.#number()},${this.#pick(["modulo_n", "hrw", "iter_hash", "hash_threshold", "x"])},${this.#number()},${this.#number()},${this.#part()})`,
      () => `check_pkt_larger(${this.#number()})->${this.#part()}`,
      () => `delete_field:${this.#pick(["tun_metadata0", "tun_metadata63", "NXM_NX_TUN_METADATA5", "reg0", "foo"])}`,
    ])();
  }

  #header(): string {
    return this.#pick<() => string>([
      () => `${this.#pick(["mod", "set"])}_vlan_vid:${this.#pick(["5", "4095", "4096", this.#number()])}`,
      () => `${this.#pick(["mod", "set"])}_vlan_pcp:${this.#pick(["3", "8", this.#number()])}`,
      () => `push_vlan:${this.#pick(["0x8100", "0x88a8", "0x800"])}`,
      () =>
        `mod_dl_${this.#pick(["src", "dst"])}:${this.#pick(["00:11:22:33:44:55", "0:1:2:3:4:5", "100:0:0:0:0:1", "foo", "00:11:22:33:44:55x"])}`,
      () => `mod_nw_${this.#pick(["src", "dst"])}:${this.#pick(["1.2.3.4", "1.2.3", "1.2.3.256", "01.2.3.4"])}`,
      () =>
        `${this.#pick(["mod_nw_tos", "mod_nw_ecn", "mod_nw_ttl", "set_nw_ttl"])}:${this.#pick(["4", "3", "255", this.#number()])}`,
      () => `mod_tp_${this.#pick(["src", "dst"])}:${this.#number()}`,
      () => this.#pick(["dec_ttl", "dec_ttl()", "dec_ttl(1,2)", "dec_ttl(70000)", "dec_ttl(a)", "dec_ttl(0)", "dec_ttl( )"]),
      () => `set_mpls_${this.#pick(["label", "tc", "ttl"])}${this.#pick([`(${this.#number()})`, `:${this.#number()}`, ""])}`,
      () => this.#pick(["push_mpls:0x8847", "push_mpls:0x8848", "pop_mpls:0x800", "pop_mpls:0x8847", "push_mpls:5"]),
      () => `set_tunnel${this.#pick(["", "64"])}:${this.#pick([this.#number(), "0x123456789a"])}`,
      () =>
        `encap(${this.#pick(["nsh", "nsh(md_type=1)", "nsh(md_type=3)", "nsh(md_type=2,tlv(0x1000,10,0x1234))", "nsh(tlv(0x1,300,0x123))", "ethernet", "mpls", "mpls_mc", "foo", "ethernet(x)"])})`,
    ])();
  }

  #steering(): string {
    const port = this.#pick(PORTS);
    return this.#pick<() => string>([
      () =>
        `resubmit${this.#pick([`:${port}`, `(${port})`, `(,${this.#number()})`, `(${port},5)`, "(,5,ct)", "(1,,ct)", "(,)", "", "(,255)", "(1,2,foo)", "(1,2,ct,x)"])}`,
      () => `set_queue:${this.#number()}`,
      () => `note:${this.#pick(["", "01.02", "010203040506070809", "1", "zz"])}`,
      () => `fin_timeout(${this.#pick(["", "idle_timeout=5", "hard_timeout=70000", "idle_timeout=1,hard_timeout=2", "foo=1"])})`,
      () =>
        `conjunction(${this.#pick(["1,1/2", "5, 2/3", "1,0/2", "1,3/2", "1,1/65", "4294967297,1/2", "-1,1/2", "0x10,1/2", "1,1/2x", "1,257/258", "foo"])})`,
      () =>
        `sample(${this.#pick(["probability=5", "probability=0", "probability=70000", `probability=1,collector_set_id=${this.#number()}`, `probability=1,obs_domain_id=2,sampling_port=${port}`, "probability=3,ingress", "probability=3,egress,sampling_port=1", "foo"])})`,
      () => `meter:${this.#number()}`,
      () => `write_metadata:${this.#pick(["5", "0x5/0xf", "1/", "x"])}`,
      () => `goto_table:${this.#number()}`,
    ])();
  }

  #learn(): string {
    const option = this.#pick([
      "",
      "table=2",
      "table=255",
      "table=foo",
      "idle_timeout=5",
      `hard_timeout=${this.#number()}`,
      `priority=${this.#number()}`,
      `cookie=${this.#number()}`,
      `limit=${this.#number()}`,
      "send_flow_rem",
      "delete_learned",
      `result_dst=${this.#part()}`,
      "fin_idle_timeout=3",
    ]);
    const match = this.#pick([
      "",
      "eth_type=0x800",
      "dl_type=0x800,nw_proto=6",
      "NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]",
      `${this.#part()}=${this.#part()}`,
      `${this.#part()}=${this.#pick(VALUES)}`,
      this.#part(),
      "NXM_OF_VLAN_TCI[0..11]",
      "reg0[0..7]=5",
    ]);
    const action = this.#pick([
      "",
      "output:NXM_OF_IN_PORT[]",
      `output:${this.#part()}`,
      `load:${this.#pick(VALUES)}->${this.#part()}`,
      `load:${this.#part()}->${this.#part()}`,
      "foo=1",
    ]);
    return `learn(${this.#some(option, match, action)})`;
  }

  #ct(depth: number): string {
    const flags = this.#pick(["", "commit", "force", "commit,force"]);
    const where = this.#pick(["", "table=5", "table=255", "zone=5", "zone=70000", "zone=reg0[0..15]", `zone=${this.#part()}`]);
    const how = this.#pick(["", this.#pick(NATS), this.#pick(NATS), "alg=ftp", "alg=tftp", "alg=x"]);
    const inner = this.#pick<() => string>([
      () => "",
      () => "exec(set_field:1->ct_mark)",
      () => "exec(load:1->NXM_NX_CT_MARK[0..3],set_field:0x1/0xff->ct_label)",
      () => "exec(load:0x123456789abcdef0123->ct_label)",
      () => "exec(move:reg0->ct_mark)",
      () => `exec(${depth < 2 ? this.#action(depth + 1) : "output:1"})`,
      () => this.#pick(NATS),
    ])();
    return `ct(${this.#some(flags, where, how, inner)})`;
  }
}
