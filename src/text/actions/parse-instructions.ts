import { ByteWriter } from "../../bytes.ts";
import { isOfsyncError, OfsyncError } from "../../errors.ts";
import type { Action } from "../../flow/actions/action.ts";
import { ANY_TABLE, type CheckFault, checkActions } from "../../flow/actions/check.ts";
import { CANONICAL } from "../../flow/actions/codec.ts";
import { decodeInstructionList, encodeInstructionList } from "../../flow/actions/instruction-list.ts";
import { portRef } from "../../flow/actions/port-ref.ts";
import { type OrderFault, type OuterAction, verifyActions } from "../../flow/actions/verify.ts";
import { Instructions } from "../../flow/instructions.ts";
import type { MatchFacts } from "../../flow/match-facts.ts";
import { wireVersionOf } from "../../flow/version.ts";
import { KeyValues } from "../key-values.ts";
import type { ParseContext } from "../parse-context.ts";
import { ActionReader } from "./action-reader.ts";
import { parseCt, parseNat } from "./conntrack-text.ts";
import { parseDecap, parseEncap } from "./encap-text.ts";
import {
  parseCheckPktLarger,
  parseDeleteField,
  parseLoad,
  parseMove,
  parsePop,
  parsePush,
  parseSetField,
} from "./field-actions-text.ts";
import { parseBundle, parseMultipath } from "./hashing-text.ts";
import { headerParsers } from "./header-text.ts";
import { parseLearn } from "./learn-text.ts";
import { parseController, parseEnqueue, parseGroup, parseOutput } from "./output-text.ts";
import { pipelineParsers } from "./pipeline-text.ts";

type Parser = (reader: ActionReader, start: number, end: number) => Action;

const PARSERS: ReadonlyMap<string, Parser> = /* @__PURE__ */ new Map<string, Parser>([
  ...headerParsers,
  ...pipelineParsers,
  ["output", parseOutput],
  ["output_reg", parseOutput],
  ["group", parseGroup],
  ["controller", parseController],
  ["enqueue", parseEnqueue],
  ["bundle", parseBundle(false)],
  ["bundle_load", parseBundle(true)],
  ["multipath", parseMultipath],
  ["set_field", parseSetField],
  ["load", parseLoad],
  ["move", parseMove],
  ["push", parsePush],
  ["pop", parsePop],
  ["check_pkt_larger", parseCheckPktLarger],
  ["delete_field", parseDeleteField],
  ["learn", parseLearn],
  ["encap", parseEncap],
  ["decap", parseDecap],
  ["ct", parseCt],
  ["nat", parseNat],
]);

/** How deep actions may nest in text. */
const MAX_DEPTH = 100;

/** Where each action of the top list stands, for faults that are found later. */
type Places = [start: number, end: number][];

function parseList(reader: ActionReader, start: number, end: number, outer: OuterAction | undefined, places: Places): Action[] {
  if (reader.depth >= MAX_DEPTH) reader.fail("ACTION_NESTING", "actions nest too deeply", start, end);
  reader.depth++;
  const actions: Action[] = [];
  let drop = false;
  const pairs = new KeyValues(reader.ctx.text, start, end);
  while (pairs.next()) {
    const { keyStart, keyEnd, valueStart, valueEnd } = pairs;
    const action = parseOne(reader, keyStart, keyEnd, valueStart, valueEnd);
    if (action === "drop") drop = true;
    else {
      actions.push(action);
      places.push([keyStart, Math.max(keyEnd, valueEnd)]);
    }
  }
  if (drop && actions.length > 0) {
    reader.fail("ACTION_DROP", "drop cannot stand together with other actions", start, end, "leave drop out");
  }
  const fault = verifyActions(actions, 2, { instructions: outer === undefined, meter: true, outer });
  if (fault !== undefined) failOrder(reader, fault, places);
  reader.depth--;
  return actions;
}

function failOrder(reader: ActionReader, fault: OrderFault, places: Places): never {
  const [start, end] = places[fault.index] ?? [0, 0];
  const code = fault.kind === "order" || fault.kind === "duplicate" ? "ACTION_ORDER" : "ACTION_NESTING";
  return reader.ctx.fail(code, fault.message, start, end, { openflowError: fault.openflowError });
}

function parseOne(reader: ActionReader, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): Action | "drop" {
  const key = reader.text(keyStart, keyEnd);
  const parser = PARSERS.get(key) ?? PARSERS.get(key.toLowerCase());
  if (parser !== undefined) return parser(reader, valueStart, valueEnd);
  const lower = key.toLowerCase();
  if (lower === "drop") return "drop";
  if (lower === "apply_actions") {
    return reader.fail(
      "ACTION_UNKNOWN",
      "actions are applied without saying so",
      keyStart,
      keyEnd,
      "write the actions without apply_actions",
    );
  }
  if (lower === "unroll_xlate" || lower === "output_trunc") {
    return reader.fail(
      "ACTION_UNKNOWN",
      `${lower} cannot be written`,
      keyStart,
      keyEnd,
      lower === "output_trunc" ? "write output(port=PORT,max_len=BYTES)" : undefined,
    );
  }
  const port = reader.port(keyStart, keyEnd);
  if (port !== undefined) {
    if (valueEnd > valueStart)
      reader.lenient("ACTION_SYNTAX", "a port takes no argument", valueStart, valueEnd, { hint: "ovs-ofctl ignores it" });
    return { type: "output", port: portRef(port), maxLength: 0 };
  }
  return reader.fail("ACTION_UNKNOWN", `there is no action called ${key}`, keyStart, keyEnd);
}

function failMatch(ctx: ParseContext, fault: CheckFault, places: Places, start: number, end: number): never {
  const [from, to] = places[fault.path[0] ?? 0] ?? [start, end];
  const only10 =
    fault.soft && fault.openflowError === "OFPBAC_MATCH_INCONSISTENT" ? " (only OpenFlow 1.0 would let it pass)" : "";
  return ctx.fail("ACTION_MATCH", `${fault.message}${only10}`, from, to, {
    openflowError: fault.openflowError,
    ...(fault.hint === undefined ? {} : { hint: fault.hint }),
  });
}

// Which action of the top list makes `attempt` fail, and why, said at its place in the text. Faults that have a place pass.
function failAt(ctx: ParseContext, actions: readonly Action[], places: Places, attempt: (action: Action) => void): void {
  for (const [index, action] of actions.entries()) {
    try {
      attempt(action);
    } catch (error) {
      if (!(error instanceof OfsyncError)) throw error;
      const [from, to] = places[index] as [number, number];
      const wire = error.code.startsWith("WIRE_");
      ctx.fail(
        wire ? "ACTION_REFUSED" : error.code,
        wire ? `a switch would refuse this: ${error.message}` : error.message,
        from,
        to,
        {
          ...(error.hint === undefined ? {} : { hint: error.hint }),
          ...(error.openflowError === undefined ? {} : { openflowError: error.openflowError }),
        },
      );
    }
  }
}

function encodeAlone(action: Action): ByteWriter {
  const w = new ByteWriter(64);
  encodeInstructionList([action], CANONICAL, w);
  return w;
}

const scratch = /* @__PURE__ */ new ByteWriter(512);

/**
 * Reads `ctx.text[start, end)`, which is what stands behind `actions=`. `facts` is what the match says, `table` the flow's table
 * (255 when none is given).
 *
 * Errors, all with line and column: `ACTION_UNKNOWN`, `ACTION_SYNTAX`, `ACTION_VALUE`, `ACTION_PORT`, `ACTION_TABLE`, `ACTION_FIELD`,
 * `ACTION_READ_ONLY`, `ACTION_KEY`, `ACTION_DROP`, `ACTION_ORDER`, `ACTION_NESTING`, `ACTION_VERSION` (the version of `ctx` has no such
 * action), `ACTION_MATCH` (does not fit the match), and those of field values (`FIELD_...`). In strict mode also `ACTION_RANGE`
 * (ovs-ofctl would cut a number) and `ACTION_REFUSED` (ovs-ofctl would send it, but a switch refuses it).
 */
export function parseInstructions(ctx: ParseContext, start: number, end: number, facts: MatchFacts, table: number): Instructions {
  const places: Places = [];
  const reader = new ActionReader(ctx, (inner, from, to, outer) => parseList(inner, from, to, outer, []));
  const actions = parseList(reader, start, end, undefined, places);
  if (actions.length === 0) return Instructions.drop;
  const { actions: fitted, fault } = checkActions(actions, facts, table);
  const wire = wireVersionOf(ctx.version);
  if (fault !== undefined && (!fault.soft || wire > 1)) failMatch(ctx, fault, places, start, end);
  if ((reader.usable & (1 << wire)) === 0) {
    ctx.fail("ACTION_VERSION", `${ctx.version} cannot carry these actions`, start, end, {
      hint: "use a later version of OpenFlow",
    });
  }
  scratch.clear();
  try {
    encodeInstructionList(fitted, CANONICAL, scratch);
  } catch (error) {
    failAt(ctx, fitted, places, encodeAlone);
    throw relocated(ctx, error, start, end);
  }
  // What ovs-ofctl sends and the switch then refuses is an error in strict mode; it is found by reading the bytes as a switch does.
  if (ctx.compat === "strict") {
    try {
      decodeInstructionList(scratch.buffer, 0, scratch.length, CANONICAL, false);
    } catch (error) {
      failAt(ctx, fitted, places, (action) => {
        const { buffer, length } = encodeAlone(action);
        decodeInstructionList(buffer, 0, length, CANONICAL, false);
      });
      throw relocated(ctx, error, start, end);
    }
  }
  const instructions = Instructions.fromCanonical(scratch.finish());
  if (ctx.compat === "strict" && !instructions.isWire15) refuseTranslated(ctx, instructions, facts, places, start, end);
  return instructions;
}

// A fault of the list as a whole, such as its length.
function relocated(ctx: ParseContext, error: unknown, start: number, end: number): unknown {
  if (!isOfsyncError(error)) return error;
  const { hint, openflowError } = error;
  return ctx.fail(error.code, error.message, start, end, {
    ...(hint === undefined ? {} : { hint }),
    ...(openflowError === undefined ? {} : { openflowError }),
  });
}

// An older action can fit the match while the newer one that it is sent as does not.
function refuseTranslated(
  ctx: ParseContext,
  instructions: Instructions,
  facts: MatchFacts,
  places: Places,
  start: number,
  end: number,
): void {
  const wire = wireVersionOf(ctx.version);
  if (wire === 1) return;
  scratch.clear();
  encodeInstructionList(instructions.actions, wire, scratch);
  const { fault } = checkActions(decodeInstructionList(scratch.buffer, 0, scratch.length, wire, false), facts, ANY_TABLE);
  // Positions may have shifted: an action can become two.
  if (fault !== undefined) failMatch(ctx, { ...fault, path: [] }, places.length === 1 ? places : [[start, end]], start, end);
}
