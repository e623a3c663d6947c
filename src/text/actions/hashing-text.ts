/** Text of bundle, bundle_load and multipath. */
import type { Action, ActionOf, PortRef } from "../../flow/actions/action.ts";
import { BUNDLE_ALGORITHMS, HASH_FIELDS, MAX_MEMBERS, MULTIPATH_ALGORITHMS } from "../../flow/actions/hashing.ts";
import { hasNxmHeader } from "../../flow/actions/subfield.ts";
import { scanInt } from "../../flow/number-text.ts";
import type { PortNames } from "../../flow/ports.ts";
import { type ActionReader, type ReadSubField, subfieldFrom } from "./action-reader.ts";
import { printPort } from "./output-text.ts";
import { formatSubField } from "./print.ts";
import { TokenScanner } from "./token-scanner.ts";

interface Token {
  readonly text: string;
  readonly start: number;
  readonly stop: number;
}

function take(tokens: TokenScanner, delimiters = ", "): Token | undefined {
  const text = tokens.next(delimiters);
  return text === undefined ? undefined : { text, start: tokens.start, stop: tokens.stop };
}

function oneOf<T extends string>(reader: ActionReader, names: readonly T[], token: Token, what: string): T {
  const lower = token.text.toLowerCase();
  const found = names.find((name) => name === lower);
  return (
    found ?? reader.fail("ACTION_VALUE", `there is no such ${what}`, token.start, token.stop, `write one of ${names.join(", ")}`)
  );
}

function destination(reader: ActionReader, token: Token): ReadSubField {
  const bits = reader.subfield(token.start, token.stop);
  if (!hasNxmHeader(bits.field))
    reader.fail(
      "ACTION_FIELD",
      `${bits.field.name} is an experimenter field, which cannot be carried here`,
      token.start,
      token.stop,
    );
  return bits;
}

function parseMembers(reader: ActionReader, tokens: TokenScanner): PortRef[] {
  const members: PortRef[] = [];
  for (let member = take(tokens, ", []"); member !== undefined; member = take(tokens, ", []")) {
    if (members.length >= MAX_MEMBERS) {
      reader.lenient("ACTION_RANGE", `a bundle has at most ${MAX_MEMBERS} members`, member.start, member.stop, {
        hint: "ovs-ofctl drops the others",
      });
      break;
    }
    members.push(reader.portRef(member.start, member.stop, "a member of the bundle"));
  }
  return members;
}

/** `bundle(FIELDS,BASIS,ALGORITHM,ofport,members:PORT,...)`, with a field behind `ofport` for `bundle_load`. */
export function parseBundle(load: boolean): (reader: ActionReader, start: number, end: number) => Action {
  return (reader, start, end) => {
    const tokens = new TokenScanner(reader.ctx.text, start, end);
    const [fields, basis, algorithm, memberType] = [take(tokens), take(tokens), take(tokens), take(tokens)];
    const into = load ? take(tokens) : undefined;
    const delimiter = take(tokens, ": ");
    if (
      fields === undefined ||
      basis === undefined ||
      algorithm === undefined ||
      memberType === undefined ||
      delimiter === undefined
    ) {
      return reader.fail(
        "ACTION_SYNTAX",
        "bundle has too few arguments",
        start,
        end,
        "write bundle(FIELDS,BASIS,ALGORITHM,ofport,members:PORT,...)",
      );
    }
    if (!["members", "slaves"].includes(delimiter.text.toLowerCase())) {
      return reader.fail("ACTION_SYNTAX", "`members:` is missing before the members", delimiter.start, delimiter.stop);
    }
    const members = parseMembers(reader, tokens);
    const basisNumber = reader.decimal(basis.start, basis.stop, "the basis", 0xffff);
    const hashed = oneOf(reader, HASH_FIELDS, fields, "set of fields");
    const how = oneOf(reader, BUNDLE_ALGORITHMS, algorithm, "algorithm");
    if (memberType.text.toLowerCase() !== "ofport")
      reader.fail("ACTION_VALUE", "the members of a bundle are of type ofport", memberType.start, memberType.stop);
    const bits = into === undefined ? undefined : destination(reader, into);
    return {
      type: "bundle",
      fields: hashed,
      basis: basisNumber,
      algorithm: how,
      members,
      ...(bits === undefined ? {} : { destination: subfieldFrom(bits) }),
    };
  };
}

/** `multipath(FIELDS,BASIS,ALGORITHM,LINKS,ARGUMENT,FIELD[BITS])`. */
export function parseMultipath(reader: ActionReader, start: number, end: number): Action {
  const tokens = new TokenScanner(reader.ctx.text, start, end);
  const [fields, basis, algorithm, count, argument, into] = [
    take(tokens),
    take(tokens),
    take(tokens),
    take(tokens),
    take(tokens),
    take(tokens),
  ];
  if (
    fields === undefined ||
    basis === undefined ||
    algorithm === undefined ||
    count === undefined ||
    argument === undefined ||
    into === undefined
  ) {
    return reader.fail(
      "ACTION_SYNTAX",
      "multipath has too few arguments",
      start,
      end,
      "write multipath(FIELDS,BASIS,ALGORITHM,LINKS,ARGUMENT,FIELD[BITS])",
    );
  }
  const hashed = oneOf(reader, HASH_FIELDS, fields, "set of fields");
  const basisNumber = reader.decimal(basis.start, basis.stop, "the basis", 0xffff);
  const how = oneOf(reader, MULTIPATH_ALGORITHMS, algorithm, "algorithm");
  const read = scanInt(count.text, 0, 10);
  const links = Number(BigInt.asIntN(32, read?.value ?? 0n));
  if (links < 1 || links > 65536)
    return reader.fail("ACTION_VALUE", "the number of links must be 1 to 65536", count.start, count.stop);
  if (read?.end !== count.text.length || read.value !== BigInt(links)) {
    reader.lenient("ACTION_RANGE", "the number of links must be a decimal number", count.start, count.stop, {
      hint: "ovs-ofctl stops at the first character that is no digit",
    });
  }
  const bits = destination(reader, into);
  if (bits.bits < 16 && links > 2 ** bits.bits) {
    return reader.fail("ACTION_VALUE", `${links} links do not fit in ${bits.bits} bits`, into.start, into.stop);
  }
  return {
    type: "multipath",
    fields: hashed,
    basis: basisNumber,
    algorithm: how,
    links,
    argument: reader.decimal(argument.start, argument.stop, "the argument", 0xffff_ffff),
    destination: subfieldFrom(bits),
  };
}

/** As Open vSwitch prints it. */
export function printHashing(action: ActionOf<"bundle" | "multipath">, ports: PortNames | undefined): string {
  if (action.type === "multipath") {
    const { fields, basis, algorithm, links, argument } = action;
    return `multipath(${fields},${basis},${algorithm},${links},${argument},${formatSubField(action.destination)})`;
  }
  const into = action.destination === undefined ? "" : `${formatSubField(action.destination)},`;
  const members = action.members.map((member) => printPort(member, ports)).join(",");
  return `${into === "" ? "bundle" : "bundle_load"}(${action.fields},${action.basis},${action.algorithm},ofport,${into}members:${members})`;
}
