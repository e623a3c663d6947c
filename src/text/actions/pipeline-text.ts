/** Text of the actions that steer, and of the instructions. */
import type { Action, ActionOf, PortRef, ResubmitAction, SampleAction } from "../../flow/actions/action.ts";
import { scanInt, skipSpaces } from "../../flow/number-text.ts";
import type { PortNames } from "../../flow/ports.ts";
import { KeyValues } from "../key-values.ts";
import { type ActionReader, VERSIONS_ALL } from "./action-reader.ts";
import { printPort } from "./output-text.ts";
import { hexArgument, hexNumber } from "./print.ts";

type Parser = (reader: ActionReader, start: number, end: number) => Action;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const CURRENT_TABLE = 255;
const FROM_13 = 0x70;
const ONLY_15 = 0x40;

const parseResubmit: Parser = (reader, start, end) => {
  const { text } = reader.ctx;
  const resubmit: Mutable<ResubmitAction> = { type: "resubmit" };
  const parts: [number, number][] = [];
  for (let at = start, from = start; at <= end; at++) {
    if (at === end || text[at] === ",") {
      parts.push([from, at]);
      from = at + 1;
    }
  }
  const [port, table, ct] = parts;
  let otherPort = false;
  if (port !== undefined && port[1] > port[0]) {
    const ref = reader.portRef(port[0], port[1], "resubmit");
    otherPort = ref !== "IN_PORT";
    if (otherPort) resubmit.port = ref;
  }
  if (table !== undefined && table[1] > table[0]) {
    const number = reader.table(table[0], table[1]);
    if (number !== CURRENT_TABLE) resubmit.table = number;
  }
  if (ct !== undefined && ct[1] > ct[0]) {
    if (reader.text(ct[0], ct[1]) !== "ct") reader.fail("ACTION_KEY", "resubmit knows nothing but ct here", ct[0], ct[1]);
    resubmit.ct = true;
  }
  if (parts.length > 3) {
    const more = parts[3] as [number, number];
    reader.lenient("ACTION_SYNTAX", "resubmit has more than three arguments", more[0], end, { hint: "ovs-ofctl ignores them" });
  }
  if (!otherPort && resubmit.table === undefined) {
    return reader.fail(
      "ACTION_SYNTAX",
      "resubmit names neither a port nor a table",
      start,
      end,
      "write resubmit(PORT), resubmit(,TABLE) or resubmit(PORT,TABLE)",
    );
  }
  return resubmit;
};

const parseFinTimeout: Parser = (reader, start, end) => {
  let idleTimeout = 0;
  let hardTimeout = 0;
  const pairs = new KeyValues(reader.ctx.text, start, end);
  while (pairs.next()) {
    const value = (): number => reader.small(pairs.valueStart, pairs.valueEnd, pairs.key, 0xffff);
    if (pairs.key === "idle_timeout") idleTimeout = value();
    else if (pairs.key === "hard_timeout") hardTimeout = value();
    else
      reader.fail(
        "ACTION_KEY",
        `fin_timeout knows no ${pairs.key}`,
        pairs.keyStart,
        pairs.keyEnd,
        "write idle_timeout or hard_timeout",
      );
  }
  return { type: "finTimeout", ...(idleTimeout === 0 ? {} : { idleTimeout }), ...(hardTimeout === 0 ? {} : { hardTimeout }) };
};

const parseConjunction: Parser = (reader, start, end) => {
  const text = reader.text(start, end);
  const malformed = (): never =>
    reader.fail(
      "ACTION_SYNTAX",
      "conjunction takes an id, a clause and the number of clauses",
      start,
      end,
      "write conjunction(ID,CLAUSE/CLAUSES)",
    );
  const expect = (character: string, from: number): number => {
    const at = skipSpaces(text, from);
    if (text[at] !== character) malformed();
    return skipSpaces(text, at + 1);
  };
  const id = scanInt(text, 0, 0) ?? malformed();
  const clause = scanInt(text, expect(",", id.end), 10) ?? malformed();
  const clauses = scanInt(text, expect("/", clause.end), 10) ?? malformed();
  if (skipSpaces(text, clauses.end) !== text.length) malformed();
  if (
    id.value < 0n ||
    id.value > 0xffff_ffffn ||
    clause.value > 255n ||
    clause.value < 0n ||
    clauses.value > 255n ||
    clauses.value < 0n
  ) {
    reader.lenient("ACTION_RANGE", "a number of conjunction is out of range", start, end, {
      hint: "the id has 32 bits, the clauses 8; ovs-ofctl cuts them",
    });
  }
  const count = Number(BigInt.asUintN(8, clauses.value));
  const index = Number(BigInt.asUintN(8, clause.value));
  if (count < 2 || count > 64) return reader.fail("ACTION_VALUE", "a conjunction has 2 to 64 clauses", start, end);
  if (index < 1 || index > count) return reader.fail("ACTION_VALUE", `the clause must be 1 to ${count}`, start, end);
  return { type: "conjunction", id: Number(BigInt.asUintN(32, id.value)), clause: index, clauses: count };
};

const parseNote: Parser = (reader, start, end) => {
  const data = reader.hexBytes(start, end);
  if (data === undefined)
    return reader.fail("ACTION_VALUE", "note takes pairs of hexadecimal digits", start, end, "write for example note:00.01.ff");
  return { type: "note", data };
};

const parseSample: Parser = (reader, start, end) => {
  const sample: Mutable<SampleAction> = { type: "sample", probability: 0 };
  const pairs = new KeyValues(reader.ctx.text, start, end);
  while (pairs.next()) {
    const { key, valueStart, valueEnd } = pairs;
    switch (key) {
      case "probability":
        sample.probability = reader.small(valueStart, valueEnd, key, 0xffff);
        if (sample.probability === 0)
          reader.fail("ACTION_VALUE", "the probability must not be 0", valueStart, valueEnd, "write 1 to 65535");
        break;
      case "collector_set_id":
        sample.collectorSetId = reader.word(valueStart, valueEnd, key);
        break;
      case "obs_domain_id":
        sample.observationDomainId = reader.word(valueStart, valueEnd, key);
        break;
      case "obs_point_id":
        sample.observationPointId = reader.word(valueStart, valueEnd, key);
        break;
      case "sampling_port": {
        const port: PortRef = reader.portRef(valueStart, valueEnd, "sample");
        if (port === "ANY") delete sample.samplingPort;
        else sample.samplingPort = port;
        break;
      }
      case "ingress":
      case "egress":
        sample.direction = key;
        break;
      default:
        reader.fail("ACTION_KEY", `sample knows no ${key}`, pairs.keyStart, pairs.keyEnd);
    }
  }
  if (sample.probability === 0)
    return reader.fail("ACTION_VALUE", "sample has no probability", start, end, "write probability=1 to 65535");
  return sample;
};

const parseWriteMetadata: Parser = (reader, start, end) => {
  const slash = reader.ctx.text.indexOf("/", start);
  const masked = slash >= 0 && slash < end;
  const mask = masked ? reader.long(slash + 1, end, "the mask") : undefined;
  return {
    type: "writeMetadata",
    value: reader.long(start, masked ? slash : end, "the metadata"),
    ...(mask === undefined ? {} : { mask }),
  };
};

const parseMeter: Parser = (reader, start, end) => {
  // An instruction in 1.3 and 1.4; inside other actions only 1.5 has it.
  reader.limitVersions(reader.depth > 1 ? ONLY_15 : FROM_13);
  return { type: "meter", meter: reader.word(start, end, "the meter") };
};

const parseClone: Parser = (reader, start, end) => {
  // ovs-ofctl forgets here which versions the actions before could go to.
  if (reader.ctx.compat === "ovs") reader.usable = VERSIONS_ALL;
  return { type: "clone", actions: reader.list(start, end, "clone") };
};

function plain(action: Action, name: string): Parser {
  return (reader, start, end) => {
    if (end > start) reader.lenient("ACTION_SYNTAX", `${name} takes no argument`, start, end, { hint: "ovs-ofctl ignores it" });
    return action;
  };
}

/** Parsers by the name in text. */
export const pipelineParsers: ReadonlyMap<string, Parser> = /* @__PURE__ */ new Map<string, Parser>([
  ["resubmit", parseResubmit],
  ["set_queue", (reader, start, end) => ({ type: "setQueue", queue: reader.word(start, end, "the queue") })],
  ["fin_timeout", parseFinTimeout],
  ["conjunction", parseConjunction],
  ["note", parseNote],
  ["sample", parseSample],
  ["meter", parseMeter],
  ["write_metadata", parseWriteMetadata],
  ["goto_table", (reader, start, end) => ({ type: "gotoTable", table: reader.table(start, end) })],
  ["clone", parseClone],
  ["write_actions", (reader, start, end) => ({ type: "writeActions", actions: reader.list(start, end, "writeActions") })],
  ...(
    [
      ["pop_queue", "popQueue"],
      ["strip_vlan", "popVlan"],
      ["pop_vlan", "popVlan"],
      ["dec_mpls_ttl", "decMplsTtl"],
      ["dec_nsh_ttl", "decNshTtl"],
      ["exit", "exit"],
      ["ct_clear", "ctClear"],
      ["debug_recirc", "debugRecirc"],
      ["debug_slow", "debugSlow"],
      ["clear_actions", "clearActions"],
    ] as const
  ).map(([name, type]) => [name, plain({ type }, name)] as const),
]);

function printResubmit(action: ResubmitAction, ports: PortNames | undefined): string {
  const port = action.port === undefined || action.port === "IN_PORT" ? "" : printPort(action.port, ports);
  if (port !== "" && action.table === undefined) return `resubmit:${port}`;
  return `resubmit(${port},${action.table ?? ""}${action.ct === true ? ",ct" : ""})`;
}

function printSample(action: SampleAction, ports: PortNames | undefined): string {
  const { probability, collectorSetId = 0, observationDomainId = 0, observationPointId = 0, samplingPort, direction } = action;
  return (
    `sample(probability=${probability},collector_set_id=${collectorSetId},obs_domain_id=${observationDomainId},obs_point_id=${observationPointId}` +
    `${samplingPort === undefined ? "" : `,sampling_port=${printPort(samplingPort, ports)}`}${direction === undefined ? "" : `,${direction}`})`
  );
}

type PipelineAction = ActionOf<
  | "resubmit"
  | "setQueue"
  | "finTimeout"
  | "conjunction"
  | "note"
  | "sample"
  | "meter"
  | "writeMetadata"
  | "gotoTable"
  | "clone"
  | "writeActions"
>;

/** As Open vSwitch prints it; `list` prints nested actions. */
export function printPipeline(
  action: PipelineAction,
  ports: PortNames | undefined,
  list: (actions: readonly Action[]) => string,
): string {
  switch (action.type) {
    case "resubmit":
      return printResubmit(action, ports);
    case "setQueue":
      return `set_queue:${action.queue}`;
    case "finTimeout": {
      const parts: string[] = [];
      if (action.idleTimeout) parts.push(`idle_timeout=${action.idleTimeout}`);
      if (action.hardTimeout) parts.push(`hard_timeout=${action.hardTimeout}`);
      return `fin_timeout(${parts.join(",")})`;
    }
    case "conjunction":
      return `conjunction(${action.id},${action.clause}/${action.clauses})`;
    case "note":
      return `note:${hexArgument(action.data)}`;
    case "sample":
      return printSample(action, ports);
    case "meter":
      return `meter:${action.meter}`;
    case "writeMetadata": {
      const mask = action.mask;
      return `write_metadata:${hexNumber(action.value)}${mask === undefined ? "" : `/${hexNumber(mask)}`}`;
    }
    case "gotoTable":
      return `goto_table:${action.table}`;
    case "clone":
      return `clone(${list(action.actions)})`;
    case "writeActions":
      return `write_actions(${list(action.actions)})`;
  }
}
