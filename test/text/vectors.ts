import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { PortNames } from "../../src/flow/ports.ts";
import { ReservedPort } from "../../src/flow/ports.ts";
import type { OpenFlowVersion } from "../../src/flow/version.ts";

const folder = new URL("../vectors/", import.meta.url);

interface VectorContext {
  readonly port_map?: Readonly<Record<string, number | "LOCAL">>;
  readonly tlv_map?: string;
}

/** One record of match-text.jsonl: what ovs-ofctl 3.1 makes of a text. */
export interface MatchTextVector {
  readonly id: string;
  readonly text: string;
  readonly flow_text: string;
  readonly version: OpenFlowVersion;
  readonly accepted: boolean;
  readonly normalised?: string | null;
  readonly switch_dump?: string;
  readonly switch_normalised?: string;
  readonly error?: string;
  readonly ofctl_decode_error?: string;
  readonly context?: VectorContext;
}

/** One record of match-wire.jsonl: a match as text and as bytes. */
export interface MatchWireVector {
  readonly id: string;
  readonly version: OpenFlowVersion;
  readonly text?: string;
  readonly oxm_hex?: string;
  readonly nxm_hex?: string;
  readonly ofp10_match_hex?: string;
  readonly ofp_match_hex?: string;
  readonly decoded?: string;
  readonly switch_error?: string;
  readonly oxm_text?: string;
  readonly strict?: boolean;
  readonly error?: string;
  readonly reencoded_hex?: string;
  readonly context?: VectorContext;
}

export function readVectors<T>(name: string): T[] {
  return gunzipSync(readFileSync(new URL(`${name}.jsonl.gz`, folder)))
    .toString("utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as T);
}

/** Records on which ofsync departs from Open vSwitch on purpose, and why. */
export function readDepartures(): Map<string, string> {
  const records = JSON.parse(readFileSync(new URL("departures.json", folder), "utf8")) as { id: string; reason: string }[];
  return new Map(records.map(({ id, reason }) => [id, reason]));
}

export function portsOf(context: VectorContext | undefined): PortNames | undefined {
  const map = context?.port_map;
  if (map === undefined) return undefined;
  return {
    numberOf: (name) => (map[name] === "LOCAL" ? ReservedPort.LOCAL : (map[name] as number | undefined)),
    nameOf: (number) => Object.keys(map).find((name) => map[name] === number),
  };
}
