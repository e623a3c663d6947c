import type { JsonValue } from "../../src/wire/format/message-json.ts";

// Ryu's name of a number, and ours. Only names that stand for one thing each.
const NAMES: Readonly<Record<string, string>> = {
  priority: "priority",
  cookie: "cookie",
  cookie_mask: "cookieMask",
  table_id: "table",
  idle_timeout: "idleTimeout",
  hard_timeout: "hardTimeout",
  buffer_id: "bufferId",
  out_port: "outPort",
  out_group: "outGroup",
  port_no: "port",
  group_id: "group",
  meter_id: "meter",
  queue_id: "queue",
  byte_count: "byteCount",
  packet_count: "packetCount",
  packet_in_count: "packetCount",
  byte_in_count: "byteCount",
  packet_band_count: "packetCount",
  byte_band_count: "byteCount",
  flow_count: "flowCount",
  duration_sec: "durationSeconds",
  duration_nsec: "durationNanoseconds",
  generation_id: "generationId",
  total_len: "totalLength",
  rate: "rate",
  burst_size: "burstSize",
  max_entries: "maxEntries",
  weight: "weight",
  importance: "importance",
  miss_send_len: "missSendLength",
  bundle_id: "bundleId",
  short_id: "shortId",
  bucket_id: "id",
  command_bucket_id: "commandBucket",
  datapath_id: "datapathId",
  n_buffers: "buffers",
  n_tables: "tables",
  auxiliary_id: "auxiliaryId",
  advertised: "advertised",
  supported: "supported",
  peer: "peer",
  curr_speed: "currentSpeed",
  max_speed: "maxSpeed",
  hw_addr: "hardwareAddress",
  monitor_id: "id",
  rx_bytes: "rxBytes",
  tx_bytes: "txBytes",
  rx_packets: "rxPackets",
  tx_packets: "txPackets",
  tx_errors: "txErrors",
  rx_errors: "rxErrors",
  rx_dropped: "rxDropped",
  tx_dropped: "txDropped",
  collisions: "collisions",
  lookup_count: "lookups",
  matched_count: "matched",
  active_count: "active",
  max_meter: "maxMeters",
  max_bands: "maxBands",
  max_color: "maxColor",
  hw_desc: "hardware",
  sw_desc: "software",
  serial_num: "serialNumber",
};

// Where we tell apart what Ryu calls by one name.
const OUR_NAMES: Readonly<Record<string, string>> = { minRate: "rate", maxRate: "rate" };

/** What one of the two says by name, as text; numbers without the digits that JSON's own numbers cannot hold. */
type Said = Map<string, string[]>;

function collect(value: unknown, said: Said, nameOf: (name: string) => string | undefined): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, said, nameOf);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, part] of Object.entries(value)) {
      const name = nameOf(key);
      if (typeof part === "object") collect(part, said, nameOf);
      else if (name !== undefined) said.set(name, [...(said.get(name) ?? []), plain(name, part)]);
    }
  }
}

function plain(name: string, value: unknown): string {
  const number = Number(value);
  // No port, of OpenFlow 1.0.
  if (name === "outPort" && number === 0xffff) return plain(name, 0xffff_ffff);
  return Number.isNaN(number) ? String(value) : number.toPrecision(12);
}

// Both may use a name once more than the other: Ryu for optical ports and in learn actions, ours for what has a default.
function contains(many: readonly string[], few: readonly string[]): boolean {
  const left = [...many];
  return few.every((value) => {
    const at = left.indexOf(value);
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
}

/** Compares what Ryu's JSON and ours say under the names that both have. `compared` counts the values. */
export function compareWithRyu(ryu: unknown, ours: JsonValue): { compared: number; wrong: string[] } {
  const theirs: Said = new Map();
  const mine: Said = new Map();
  collect(ryu, theirs, (name) => NAMES[name]);
  collect(ours, mine, (name) => OUR_NAMES[name] ?? name);
  const wrong: string[] = [];
  let compared = 0;
  for (const [name, values] of theirs) {
    // In anything but a delete it means nothing, as in Open vSwitch.
    if (name === "outGroup" && values.join() === plain(name, 0)) continue;
    const found = mine.get(name);
    if (found === undefined) {
      wrong.push(`${name}: ${values.join()} is missing`);
      continue;
    }
    compared += values.length;
    if (!contains(values, found) && !contains(found, values)) wrong.push(`${name}: ${values.join()} is ${found.join()}`);
  }
  return { compared, wrong };
}
