import { ByteWriter } from "../bytes.ts";
import { Flow, type FlowInit } from "../flow/flow.ts";
import { Instructions } from "../flow/instructions.ts";
import { Match } from "../flow/match.ts";

/** `in_port=n`; 1 to 0xffffff00. */
export function portMatch(n: number): Match {
  const w = new ByteWriter(8);
  w.u32(0x80000004);
  w.u32(n);
  return Match.fromCanonical(w.finish());
}

/** `actions=output:n`. */
export function outputTo(n: number): Instructions {
  const w = new ByteWriter(24);
  const at = w.reserve(24);
  w.view.setUint16(at, 4);
  w.view.setUint16(at + 2, 24);
  w.view.setUint16(at + 10, 16);
  w.view.setUint32(at + 12, n);
  return Instructions.fromCanonical(w.finish());
}

/** `actions=group:n`. */
export function groupTo(n: number): Instructions {
  const w = new ByteWriter(16);
  const at = w.reserve(16);
  w.view.setUint16(at, 4);
  w.view.setUint16(at + 2, 16);
  w.view.setUint16(at + 8, 22);
  w.view.setUint16(at + 10, 8);
  w.view.setUint32(at + 12, n);
  return Instructions.fromCanonical(w.finish());
}

/** A simple flow that differs from all others with another number: `in_port=n actions=output:1`, with `init` on top. */
export function numberedFlow(n: number, init: FlowInit = {}): Flow {
  return new Flow({ match: portMatch(n), instructions: outputTo(1), ...init });
}
