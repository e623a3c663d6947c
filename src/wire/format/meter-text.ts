import {
  Meter,
  type MeterConfig,
  type MeterConfigReply,
  type MeterFeaturesReply,
  MeterFlag,
  type MeterMod,
  type MeterStatsReply,
} from "../meter.ts";
import { bitNames, durationText, hex } from "./text-parts.ts";

/** Texts of messages about meters. */

const NAMES: ReadonlyMap<number, string> = new Map([
  [Meter.slowpath, "slowpath"],
  [Meter.controller, "controller"],
  [Meter.all, "all"],
]);

export function meterText(meter: number, separator: string): string {
  return `meter${separator}${meter <= Meter.max ? meter : (NAMES.get(meter) ?? "unknown")}`;
}

const FLAGS: ReadonlyMap<number, string> = new Map([
  [MeterFlag.kbps, "kbps"],
  [MeterFlag.pktps, "pktps"],
  [MeterFlag.burst, "burst"],
  [MeterFlag.stats, "stats"],
]);

function configText(meter: MeterConfig): string {
  const { flags } = meter;
  let text = `${meterText(meter.meter, "=")} `;
  for (const [bit, name] of FLAGS) if ((flags & bit) !== 0) text += `${name} `;
  if ((flags & ~0xf) !== 0) text += `flags:${hex(flags & ~0xf)} `;
  text += "bands=";
  for (const band of meter.bands) {
    const remark = band.band === "dscpRemark";
    text += `\ntype=${remark ? "dscp_remark" : "drop"} rate=${band.rate}`;
    if ((flags & MeterFlag.burst) !== 0) text += ` burst_size=${band.burstSize}`;
    if (remark) text += ` prec_level=${band.precedenceLevel}`;
  }
  return `${text}\n`;
}

const COMMANDS: Readonly<Record<MeterMod["command"], string>> = { add: "ADD", modify: "MOD", delete: "DEL" };

export function meterModText(message: MeterMod): string {
  return ` ${COMMANDS[message.command]} ${configText(message)}`;
}

export function meterConfigText(message: MeterConfigReply): string {
  return message.meters.map((meter) => `\n${configText(meter)}`).join("");
}

export function meterStatsText(message: MeterStatsReply): string {
  let text = "";
  for (const stats of message.meters) {
    text += `\n${meterText(stats.meter, ":")} flow_count:${stats.flowCount} packet_in_count:${stats.packetCount} `;
    text += `byte_in_count:${stats.byteCount} `;
    text += `duration:${durationText(stats.durationSeconds, stats.durationNanoseconds)} bands:\n`;
    stats.bands.forEach((band, i) => {
      text += `${i}: packet_count:${band.packetCount} byte_count:${band.byteCount}\n`;
    });
  }
  return text;
}

const BANDS: ReadonlyMap<number, string> = new Map([
  [2, "drop"],
  [4, "dscp_remark"],
]);

export function meterFeaturesText(message: MeterFeaturesReply): string {
  return (
    `\nmax_meter:${message.maxMeters} max_bands:${message.maxBands} max_color:${message.maxColor}\n` +
    `band_types: ${bitNames(message.bandTypes, BANDS, " ")}\ncapabilities: ${bitNames(message.capabilities, FLAGS, " ")}\n`
  );
}
