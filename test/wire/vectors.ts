import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { fromHex } from "../../src/bytes.ts";
import type { OpenFlowVersion } from "../../src/flow/version.ts";
import { readVectors } from "../text/vectors.ts";

/** One record of messages.jsonl: a whole message, and what `ovs-ofctl ofp-print` or Ryu makes of it. */
export interface MessageVector {
  readonly id: string;
  readonly version: OpenFlowVersion;
  readonly type: string | null;
  readonly hex: string;
  readonly text: string;
  readonly verbosity?: number;
  /** The verdict that ovs-ofctl prints. */
  readonly error?: string;
  readonly error_name?: string;
  readonly printed_name?: string;
  readonly ovs_decode_error?: string;
  readonly json?: { readonly [type: string]: unknown };
  readonly tag?: string;
  readonly source: { readonly kind: string };
}

/** One error of errors.json. */
export interface ErrorVector {
  readonly name: string;
  readonly per_version: readonly string[];
  readonly encode: { readonly [version: string]: { type: number; code: number; experimenter: number | string | null } };
}

export function readMessages(): MessageVector[] {
  return readVectors<MessageVector>("messages");
}

export function readErrors(): ErrorVector[] {
  const file = new URL("../vectors/errors.json.gz", import.meta.url);
  return JSON.parse(gunzipSync(readFileSync(file)).toString("utf8")) as ErrorVector[];
}

export function bytesOf(vector: MessageVector): Uint8Array {
  const bytes = fromHex(vector.hex);
  if (bytes === undefined) throw new Error(`${vector.id} has no bytes`);
  return bytes;
}
