import { Flow } from "../flow/flow.ts";
import { Match } from "../flow/match.ts";
import { MatchBuilder } from "../flow/match-builder.ts";
import { draftFacts } from "../flow/match-facts.ts";
import { createFlowModView } from "../flow/packed-flow.ts";
import { parseInstructions } from "./actions/parse-instructions.ts";
import { FastLineReader } from "./fast/line-reader.ts";
import { defaultAttributes, type FlowStats, isFlag, readAttribute, readFlag, statisticsAt } from "./flow-attributes.ts";
import { KeyValues } from "./key-values.ts";
import { readMatchPart } from "./match-parts.ts";
import { flowOf } from "./packed-flow.ts";
import type { ParseContext } from "./parse-context.ts";
import { type ParseOptions, parseContext } from "./parse-match.ts";

export type { FlowStats } from "./flow-attributes.ts";

/** A flow as read, with the statistics that stood beside it. */
export interface FlowReading {
  readonly flow: Flow;
  /** `undefined`: the text showed none. */
  readonly stats: FlowStats | undefined;
}

let spare: MatchBuilder | undefined;

/**
 * Reads one flow in the syntax of `ovs-ofctl add-flow`: `table=3,priority=100,tcp,tp_dst=80,actions=resubmit(,4)`. The order of the
 * parts does not matter, except that the actions come last. Statistics of a dump are read over; see {@link parseFlowReading}.
 *
 * Strict unless told otherwise (see {@link ParseOptions}). Throws an `OfsyncError` with line, column, the offending text and a hint;
 * nothing else is ever thrown, whatever the text.
 */
export function parseFlow(text: string, options: ParseOptions = {}): Flow {
  return fastReader(text, options) === undefined ? parseFlowCarefully(text, options).flow : flowOf(packed);
}

/** {@link parseFlow}, and the statistics. */
export function parseFlowReading(text: string, options: ParseOptions = {}): FlowReading {
  return parseFlowQuickly(text, options) ?? parseFlowCarefully(text, options);
}

/** {@link parseFlowReading} by the fast road; `undefined`: that road cannot read it. */
export function parseFlowQuickly(text: string, options: ParseOptions): FlowReading | undefined {
  const reader = fastReader(text, options);
  return reader === undefined ? undefined : { flow: flowOf(packed), stats: statisticsAt(text, reader.statistics) };
}

/** Readers of the fast road by compat and version; made when first needed. */
const readers = /* @__PURE__ */ new Map<string, FastLineReader>();
const encoder = /* @__PURE__ */ new TextEncoder();
const line = /* @__PURE__ */ new Uint8Array(4096);
const packed = /* @__PURE__ */ createFlowModView();

/** The reader of the fast road, which has read the text into {@link packed}; `undefined`: it cannot read it. */
function fastReader(text: string, options: ParseOptions): FastLineReader | undefined {
  const { compat = "strict", version = "OpenFlow15", ports, onWarning, showHidden } = options;
  if (typeof text !== "string" || text.length > line.length / 3) return undefined;
  if (ports !== undefined || onWarning !== undefined || showHidden === true) return undefined;
  const kind = `${compat} ${version}`;
  let reader = readers.get(kind);
  if (reader === undefined) {
    reader = new FastLineReader({ compat, version });
    readers.set(kind, reader);
  }
  const { written } = encoder.encodeInto(text, line);
  return reader.read(line, 0, written, packed) ? reader : undefined;
}

/** {@link parseFlowReading} by the careful road, against which the fast one is tested. */
export function parseFlowCarefully(text: string, options: ParseOptions = {}): FlowReading {
  const ctx = parseContext(text, options);
  const actions = findActions(ctx);
  const attributes = defaultAttributes();
  const seen = new Set<string>();
  // A listener of warnings may read another flow in between, so the builder is taken and given back.
  const builder = spare ?? new MatchBuilder();
  spare = undefined;
  try {
    builder.clear();
    const parts = new KeyValues(text, 0, actions.keyword);
    while (parts.next()) {
      if (isFlag(parts.key)) readFlag(ctx, parts, attributes);
      else if (!readMatchPart(ctx, parts, builder)) readAttribute(ctx, parts, attributes, seen);
    }
    // The actions are checked against the match as written: what the encoding would lose still counts.
    const facts = draftFacts(builder.draft);
    const match = Match.fromCanonical(builder.finish(ctx, actions.keyword, options.showHidden ?? false));
    const instructions = parseInstructions(ctx, actions.start, text.length, facts, attributes.table);
    const { stats, ...init } = attributes;
    return { flow: new Flow({ ...init, match, instructions }), stats };
  } finally {
    spare = builder;
  }
}

interface ActionsPlace {
  /** Where the keyword starts. */
  readonly keyword: number;
  /** Where the actions start. */
  readonly start: number;
}

// ovs-ofctl takes the first "action" anywhere in the text, and the actions start behind the next equals sign.
function findActions(ctx: ParseContext): ActionsPlace {
  const { text } = ctx;
  const found = /(?:^|[\s,])(actions?)\s*=/.exec(text);
  const keyword = ctx.compat === "strict" && found !== null ? found.index + found[0].indexOf("action") : text.indexOf("action");
  const equals = keyword < 0 ? -1 : text.indexOf("=", keyword + 1);
  if (equals < 0) {
    const end = text.trimEnd().length;
    ctx.fail("FLOW_ACTIONS", "a flow needs actions", keyword < 0 ? end : keyword, end, {
      hint: "end it with actions=…, for example actions=drop",
      text: "",
    });
  }
  if (!/^actions?$/.test(text.slice(keyword, equals).trimEnd())) {
    ctx.lenient("FLOW_SYNTAX", "the actions start with the keyword actions", keyword, equals, { hint: "write actions=…" });
  }
  return { keyword, start: equals + 1 };
}
