import type { PortDescription, PortMod, PortStatus } from "../port.ts";
import { formatPort, portTo16 } from "../port-number.ts";
import { customCounters, INTEL, INTEL_CUSTOM, INTEL_RFC2819, type PortStats, type PortStatsReply } from "../port-stats.ts";
import type { QueueConfigReply, QueueConfigRequest, QueueStatsReply, QueueStatsRequest } from "../queue.ts";
import { ALL_QUEUES } from "../queue.ts";
import { bitNames, counterText, durationText, type Format, portText } from "./text-parts.ts";

/** Texts of messages about ports and their queues. */

const CONFIG: ReadonlyMap<number, string> = new Map([
  [1, "PORT_DOWN"],
  [2, "NO_STP"],
  [4, "NO_RECV"],
  [8, "NO_RECV_STP"],
  [16, "NO_FLOOD"],
  [32, "NO_FWD"],
  [64, "NO_PACKET_IN"],
]);

const STATE: ReadonlyMap<number, string> = new Map([
  [1, "LINK_DOWN"],
  [2, "BLOCKED"],
  [4, "LIVE"],
]);

const STP_STATES: readonly string[] = ["", "STP_LEARN", "STP_FORWARD", "STP_BLOCK"];

const FEATURES: ReadonlyMap<number, string> = new Map([
  [0x0001, "10MB-HD"],
  [0x0002, "10MB-FD"],
  [0x0004, "100MB-HD"],
  [0x0008, "100MB-FD"],
  [0x0010, "1GB-HD"],
  [0x0020, "1GB-FD"],
  [0x0040, "10GB-FD"],
  [0x0080, "40GB-FD"],
  [0x0100, "100GB-FD"],
  [0x0200, "1TB-FD"],
  [0x0400, "OTHER"],
  [0x0800, "COPPER"],
  [0x1000, "FIBER"],
  [0x2000, "AUTO_NEG"],
  [0x4000, "AUTO_PAUSE"],
  [0x8000, "AUTO_PAUSE_ASYM"],
]);

function configText(config: number, version: number): string {
  return bitNames(config & (version === 1 ? 0x7f : 0x65), CONFIG, " ");
}

function stateText(state: number, version: number): string {
  if (version > 1) return bitNames(state & 7, STATE, " ");
  const stp = STP_STATES[(state >>> 8) & 3] as string;
  const link = state & 1;
  return stp === "" ? bitNames(link, STATE, " ") : stp + (link === 0 ? "" : bitNames(link, STATE, " "));
}

function featuresText(features: number): string {
  return bitNames(features & 0xffff, FEATURES, " ");
}

/** A name up to its first character that cannot be printed. */
function printable(name: string): string {
  const text = name.slice(0, 15);
  const end = [...text].findIndex((character) => character < " " || character > "~");
  return end < 0 ? text : text.slice(0, end);
}

/** One port, several lines. */
export function portDescriptionText(port: PortDescription, version: number): string {
  const lines = [` ${formatPort(port.port)}(${printable(port.name)}): addr:${port.hardwareAddress}`];
  lines.push(`     config:     ${configText(port.config, version)}`, `     state:      ${stateText(port.state, version)}`);
  for (const [title, features] of [
    ["current:    ", port.current],
    ["advertised: ", port.advertised],
    ["supported:  ", port.supported],
    ["peer:       ", port.peer],
  ] as const) {
    if ((features & 0xffff) !== 0) lines.push(`     ${title}${featuresText(features)}`);
  }
  const [now, max] = [port.currentSpeed, port.maxSpeed].map((speed) => Math.floor(speed / 1000));
  lines.push(`     speed: ${now} Mbps now, ${max} Mbps max`);
  return `${lines.join("\n")}\n`;
}

/** Ports in the order of their 16-bit numbers. */
export function portsText(ports: readonly PortDescription[], version: number): string {
  return [...ports]
    .sort((a, b) => portTo16(a.port, "port") - portTo16(b.port, "port"))
    .map((port) => portDescriptionText(port, version))
    .join("");
}

const STATUS: Readonly<Record<PortStatus["reason"], string>> = { add: " ADD:", delete: " DEL:", modify: " MOD:" };

export function portStatusText(message: PortStatus): string {
  return STATUS[message.reason] + portDescriptionText(message.port, message.version);
}

export function portModText(message: PortMod, format: Format): string {
  const { version } = message;
  const config = configText(message.config & message.mask, version);
  const advertise = (message.advertise & 0xffff) === 0 ? "UNCHANGED" : featuresText(message.advertise);
  return (
    ` port: ${portText(message.port, format)}: addr:${message.hardwareAddress}\n     config: ${config}\n` +
    `     mask:   ${configText(message.mask, version)}\n     advertise: ${advertise}\n`
  );
}

const RFC2819: readonly (readonly [title: string, names: readonly (readonly [name: string, at: number])[]])[] = [
  [
    "rx",
    [
      ["1_to_64_packets", 0],
      ["65_to_127_packets", 1],
      ["128_to_255_packets", 2],
      ["256_to_511_packets", 3],
      ["512_to_1023_packets", 4],
      ["1024_to_1522_packets", 5],
      ["1523_to_max_packets", 6],
      ["broadcast_packets", 15],
      ["undersized_errors", 17],
      ["oversize_errors", 18],
      ["rx_fragmented_errors", 19],
      ["rx_jabber_errors", 20],
    ],
  ],
  [
    "tx",
    [
      ["1_to_64_packets", 7],
      ["65_to_127_packets", 8],
      ["128_to_255_packets", 9],
      ["256_to_511_packets", 10],
      ["512_to_1023_packets", 11],
      ["1024_to_1522_packets", 12],
      ["1523_to_max_packets", 13],
      ["multicast_packets", 14],
      ["broadcast_packets", 16],
    ],
  ],
];

const UNKNOWN = 0xffff_ffff_ffff_ffffn;

function rfc2819Text(data: Uint8Array): string {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  let text = "";
  for (const [title, names] of RFC2819) {
    let counters = "";
    for (const [name, at] of names) {
      const value = view.getBigUint64(4 + 8 * at);
      if (value !== UNKNOWN) counters += `${name}=${value}, `;
    }
    if (counters !== "") text += `           ${title} rfc2819 ${counters}\n`;
  }
  return text;
}

function customText(data: Uint8Array): string {
  const counters = customCounters(data) ?? [];
  if (counters.length === 0) return "";
  let text = "           CUSTOM Statistics";
  counters.forEach(({ name, value }, i) => {
    if (name !== "") text += `${i % 3 === 0 ? "\n                      " : " "}${name}=${value},`;
  });
  return `${text}\n`;
}

function portStatsOfOne(stats: PortStats, version: number, format: Format): string {
  const c = counterText;
  const small = stats.port < 10 ? " " : "";
  let text =
    `  port ${small}${portText(stats.port, format)}: rx pkts=${c(stats.rxPackets)}, bytes=${c(stats.rxBytes)}, ` +
    `drop=${c(stats.rxDropped)}, errs=${c(stats.rxErrors)}, frame=${c(stats.rxFrameErrors)}, ` +
    `over=${c(stats.rxOverErrors)}, crc=${c(stats.rxCrcErrors)}\n` +
    `           tx pkts=${c(stats.txPackets)}, bytes=${c(stats.txBytes)}, drop=${c(stats.txDropped)}, ` +
    `errs=${c(stats.txErrors)}, coll=${c(stats.collisions)}\n`;
  if (version >= 4 && stats.durationSeconds !== undefined && stats.durationSeconds !== 0xffffffff) {
    text += `           duration=${durationText(stats.durationSeconds, stats.durationNanoseconds ?? 0)}\n`;
  }
  const intel = (stats.properties ?? []).filter(({ experimenter }) => experimenter === INTEL);
  const last = (type: number): Uint8Array | undefined => intel.findLast(({ expType }) => expType === type)?.data;
  const rfc2819 = last(INTEL_RFC2819);
  const custom = last(INTEL_CUSTOM);
  return text + (rfc2819 === undefined ? "" : rfc2819Text(rfc2819)) + (custom === undefined ? "" : customText(custom));
}

export function portStatsText(message: PortStatsReply, format: Format): string {
  const text = ` ${message.ports.length} ports\n`;
  if (format.verbosity < 1) return text;
  return text + message.ports.map((stats) => portStatsOfOne(stats, message.version, format)).join("");
}

function queueName(queue: number): string {
  return queue === ALL_QUEUES ? "ALL" : String(queue);
}

export function queueStatsRequestText(message: QueueStatsRequest, format: Format): string {
  return ` port=${portText(message.port, format)} queue=${queueName(message.queue)}`;
}

export function queueStatsText(message: QueueStatsReply, format: Format): string {
  let text = ` ${message.queues.length} queues\n`;
  if (format.verbosity < 1) return text;
  for (const stats of message.queues) {
    const seconds = stats.durationSeconds ?? 0xffffffff;
    text +=
      `  port ${portText(stats.port, format)} queue ${queueName(stats.queue)}: bytes=${counterText(stats.txBytes)}, ` +
      `pkts=${counterText(stats.txPackets)}, errors=${counterText(stats.txErrors)}, ` +
      `duration=${seconds === 0xffffffff ? "?" : durationText(seconds, stats.durationNanoseconds ?? 0)}\n`;
  }
  return text;
}

export function queueConfigRequestText(message: QueueConfigRequest, format: Format): string {
  const queue = message.queue === ALL_QUEUES ? "" : ` queue=${message.queue}`;
  return ` port=${portText(message.port, format)}${queue}`;
}

function rateText(name: string, rate: number | undefined): string {
  if (rate === undefined || rate === 0xffff) return "";
  return rate <= 1000 ? ` ${name}:${Math.floor(rate / 10)}.${rate % 10}%` : ` ${name}:(disabled)`;
}

export function queueConfigText(message: QueueConfigReply, format: Format): string {
  const queues = message.queues.map((queue) => ({ ...queue, port: message.port ?? queue.port }));
  queues.sort((a, b) => portTo16(a.port, "port") - portTo16(b.port, "port") || a.queue - b.queue);
  let text = " ";
  let port = 0;
  for (const queue of queues) {
    if (queue.port !== port) {
      port = queue.port;
      text += `port=${portText(port, format)}\n`;
    }
    text += `queue ${queue.queue}:${rateText("min_rate", queue.minRate)}${rateText("max_rate", queue.maxRate)}\n`;
  }
  return text === " " ? "" : text;
}
