/**
 * Flow lines as an OVN chassis has them, the same for each run: eight match templates, four action templates, tables 0 to 79.
 * No two lines have the same key.
 */
export function flowLines(count: number, seed = 0x9e3779b9): string[] {
  let state = seed;
  const random = (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  const lines: string[] = [];
  const address = (n: number): string => `10.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;
  const mac = (n: number): string =>
    `0a:00:${[24, 16, 8, 0].map((by) => ((n >>> by) & 255).toString(16).padStart(2, "0")).join(":")}`;
  for (let i = 0; i < count; i++) {
    const port = 1 + random(2000);
    const datapath = 1 + random(300);
    const matches = [
      `metadata=0x${datapath.toString(16)},reg14=0x${port.toString(16)},dl_src=${mac(i)}`,
      `metadata=0x${datapath.toString(16)},dl_dst=${mac(i)}`,
      `ip,metadata=0x${datapath.toString(16)},nw_dst=${address(i)}`,
      `ip,reg15=0x${port.toString(16)},metadata=0x${datapath.toString(16)},nw_src=${address(i)}`,
      `tcp,metadata=0x${datapath.toString(16)},nw_dst=${address(i)},tp_dst=${1 + random(60000)}`,
      `udp,reg14=0x${port.toString(16)},metadata=0x${datapath.toString(16)},nw_dst=${address(i)},tp_dst=53`,
      `ct_state=+est+trk,ip,reg15=0x${port.toString(16)},metadata=0x${datapath.toString(16)},nw_src=${address(i)}`,
      `icmp6,metadata=0x${datapath.toString(16)},reg14=0x${port.toString(16)},ipv6_dst=fd00::${(i >>> 16).toString(16)}:${(i & 0xffff).toString(16)},icmp_type=135`,
    ];
    const table = random(80);
    const actions = [
      `resubmit(,${table + 1})`,
      `set_field:0x${i.toString(16)}->reg10,resubmit(,${table + 1})`,
      `set_field:0x1->reg0,ct(table=${table + 1},zone=NXM_NX_REG13[0..15])`,
      `set_field:${mac(port)}->eth_src,set_field:0x${port.toString(16)}->reg15,resubmit(,${table + 1})`,
    ];
    const which = random(8);
    const match = matches[which] as string;
    // Connection tracking needs IP packets, which the first two templates do not ask for.
    const action = actions[which < 2 ? random(2) : random(4)] as string;
    lines.push(
      `cookie=0x${(random(0xffffffff) >>> 0).toString(16)},table=${table},priority=${1 + random(3000)},${match} actions=${action}`,
    );
  }
  return lines;
}
