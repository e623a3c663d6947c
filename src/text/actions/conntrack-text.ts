/** Text of ct, nat and clone. */
import type { Action, ActionOf, CtAction, NatAction } from "../../flow/actions/action.ts";
import { hasNxmHeader } from "../../flow/actions/subfield.ts";
import { formatIpv4, formatIpv6, readIpv4, readIpv6 } from "../../flow/address-text.ts";
import { scanInt } from "../../flow/number-text.ts";
import { KeyValues } from "../key-values.ts";
import { type ActionReader, subfieldFrom } from "./action-reader.ts";
import { formatSubField } from "./print.ts";

const NO_TABLE = 255;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function parseZone(reader: ActionReader, start: number, end: number): NonNullable<CtAction["zone"]> {
  const read = scanInt(reader.text(start, end), 0, 0);
  if (read !== undefined && read.end === end - start && read.value >= 0n && read.value <= 0xffffn) return Number(read.value);
  const bits = reader.subfield(start, end);
  if (!hasNxmHeader(bits.field)) {
    reader.lenient("ACTION_FIELD", `the zone of ct cannot come from ${bits.field.name}`, start, end, {
      hint: "copy it to a register first",
    });
  }
  return subfieldFrom(bits);
}

function parseAlg(reader: ActionReader, start: number, end: number): NonNullable<CtAction["alg"]> {
  const text = reader.text(start, end);
  if (text === "ftp" || text === "tftp") return text;
  // Open vSwitch prints other helpers by their port, but does not read that again. ofsync does.
  if (reader.ctx.compat === "strict" && /^\d{1,5}$/.test(text) && Number(text) <= 0xffff) return Number(text);
  return reader.fail("ACTION_VALUE", "there is no such helper", start, end, "write alg=ftp or alg=tftp");
}

/** `ct(commit,force,table=T,zone=Z,alg=A,nat(...),exec(...))`. */
export function parseCt(reader: ActionReader, start: number, end: number): Action {
  const ct: Mutable<CtAction> = { type: "ct" };
  const actions: Action[] = [];
  const pairs = new KeyValues(reader.ctx.text, start, end);
  while (pairs.next()) {
    const { valueStart, valueEnd } = pairs;
    switch (pairs.key) {
      case "commit":
        ct.commit = true;
        break;
      case "force":
        ct.force = true;
        break;
      case "table":
        ct.table = reader.table(valueStart, valueEnd);
        if (ct.table === NO_TABLE)
          reader.fail("ACTION_TABLE", "ct cannot go on with table 255", valueStart, valueEnd, "write 0 to 254");
        break;
      case "zone":
        ct.zone = parseZone(reader, valueStart, valueEnd);
        break;
      case "alg":
        ct.alg = parseAlg(reader, valueStart, valueEnd);
        break;
      case "nat":
        actions.push(parseNat(reader, valueStart, valueEnd));
        break;
      case "exec":
        for (const action of reader.list(valueStart, valueEnd, "ct")) actions.push(action);
        break;
      default:
        reader.fail(
          "ACTION_KEY",
          `ct knows no ${pairs.key}`,
          pairs.keyStart,
          pairs.keyEnd,
          "write commit, force, table, zone, alg, nat or exec",
        );
    }
  }
  if (ct.force === true && ct.commit !== true)
    reader.fail("ACTION_VALUE", "ct has force without commit", start, end, "write commit,force");
  if (actions.length > 0) ct.actions = actions;
  return ct;
}

interface Range {
  address: NatAction["address"];
  ports: NatAction["ports"];
}

const IPV6_RUN = /^(?:\[([0-9a-fA-F:.]{1,46})\]|([0-9a-fA-F:.]{1,46}))/;

class RangeReader {
  readonly #reader: ActionReader;
  readonly #start: number;
  readonly #text: string;
  #at = 0;

  constructor(reader: ActionReader, start: number, end: number) {
    this.#reader = reader;
    this.#start = start;
    this.#text = reader.text(start, end);
  }

  read(): Range {
    const first = this.#ipv4() ?? this.#ipv6();
    let range: Range = { address: undefined, ports: undefined };
    if (first !== undefined) {
      const bytes = first;
      let last: Uint8Array | undefined;
      if (this.#take("-")) {
        last = bytes.length === 4 ? this.#ipv4() : this.#ipv6();
        if (last === undefined || compare(last, bytes) < 0)
          this.#fail("the addresses of nat must be of one family, the lower one first");
      }
      range = { address: { first: show(bytes), ...(last === undefined ? {} : { last: show(last) }) }, ports: this.#ports() };
    }
    if (this.#at !== this.#text.length) this.#fail("nat takes ADDRESS[-ADDRESS][:PORT[-PORT]]");
    return range;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #fail(message: string): never {
    const end = this.#start + this.#text.length;
    return this.#reader.fail(
      "ACTION_VALUE",
      message,
      this.#start,
      end,
      "write an address such as 10.0.0.1 or [2001:db8::1], then - and another, then : and ports",
    );
  }

  #ipv4(): Uint8Array | undefined {
    const bytes = new Uint8Array(4);
    const read = readIpv4(this.#text, this.#at, bytes);
    if (read === undefined) return undefined;
    if (read.cut) this.#lenient("a part of this address does not fit in 8 bits");
    this.#at = read.end;
    return bytes;
  }

  #ipv6(): Uint8Array | undefined {
    const run = IPV6_RUN.exec(this.#text.slice(this.#at));
    if (run === null) return undefined;
    const text = run[1] ?? run[2] ?? "";
    const bytes = new Uint8Array(16);
    this.#at += run[0].length;
    if (readIpv6(text, 0, text.length, bytes)) return bytes;
    if (this.#at === this.#text.length) this.#lenient("this is no address");
    return undefined;
  }

  #lenient(message: string): void {
    this.#reader.lenient("ACTION_RANGE", message, this.#start, this.#start + this.#text.length, {
      hint: "ovs-ofctl drops or cuts it",
    });
  }

  #port(): number {
    const read = scanInt(this.#text, this.#at, 10);
    if (read === undefined) return this.#fail("nat has no port behind the colon");
    if (read.value < 0n || read.value > 0xffffn) this.#lenient("a port has 16 bits");
    this.#at = read.end;
    return Number(BigInt.asUintN(16, read.value));
  }

  #ports(): NatAction["ports"] {
    if (!this.#take(":")) return undefined;
    const first = this.#port();
    if (!this.#take("-")) return { first };
    const last = this.#port();
    if (last < first) this.#fail("the ports of nat must have the lower one first");
    return { first, last };
  }
}

function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number);
  return 0;
}

function show(bytes: Uint8Array): string {
  return bytes.length === 4 ? formatIpv4(bytes) : formatIpv6(bytes);
}

/** `nat`, `nat(src=RANGE,FLAG,...)`, `nat(dst=RANGE,FLAG,...)`. */
export function parseNat(reader: ActionReader, start: number, end: number): NatAction {
  const nat: Mutable<NatAction> = { type: "nat" };
  let source = false;
  let destination = false;
  const pairs = new KeyValues(reader.ctx.text, start, end);
  while (pairs.next()) {
    switch (pairs.key) {
      case "src":
      case "dst": {
        if (pairs.key === "src") source = true;
        else destination = true;
        const { address, ports } = new RangeReader(reader, pairs.valueStart, pairs.valueEnd).read();
        if (address !== undefined) nat.address = address;
        if (ports !== undefined) nat.ports = ports;
        break;
      }
      case "persistent":
      case "hash":
      case "random":
        nat[pairs.key] = true;
        break;
      default:
        reader.fail(
          "ACTION_KEY",
          `nat knows no ${pairs.key}`,
          pairs.keyStart,
          pairs.keyEnd,
          "write src, dst, persistent, hash or random",
        );
    }
  }
  if (source && destination) reader.fail("ACTION_VALUE", "nat has both src and dst", start, end, "write one of them");
  if (!source && !destination && (nat.persistent === true || nat.hash === true || nat.random === true)) {
    reader.fail("ACTION_VALUE", "nat has flags without src or dst", start, end, "write src or dst too");
  }
  if (nat.hash === true && nat.random === true)
    reader.fail("ACTION_VALUE", "nat has both hash and random", start, end, "write one of them");
  if (source || destination) nat.direction = source ? "src" : "dst";
  return nat;
}

/** As Open vSwitch prints it: without a range, flags are not shown. */
export function printNat(action: NatAction): string {
  if (action.direction === undefined) return "nat";
  const { address, ports } = action;
  if (address === undefined) return `nat(${action.direction})`;
  const v6 = address.first.includes(":");
  const first = ports?.first ?? 0;
  const one = (text: string): string => (v6 && first !== 0 ? `[${text}]` : text);
  let range = one(address.first);
  if (address.last !== undefined && address.last !== address.first) range += `-${one(address.last)}`;
  if (first !== 0) {
    range += `:${first}`;
    if (ports?.last !== undefined && ports.last !== first) range += `-${ports.last}`;
  }
  const flags = `${action.persistent === true ? ",persistent" : ""}${action.hash === true ? ",hash" : ""}${action.random === true ? ",random" : ""}`;
  return `nat(${action.direction}=${range}${flags})`;
}

/** As Open vSwitch prints it; `list` prints nested actions. */
export function printCt(action: ActionOf<"ct">, list: (actions: readonly Action[]) => string): string {
  const parts: string[] = [];
  if (action.commit === true) parts.push("commit");
  if (action.force === true) parts.push("force");
  if (action.table !== undefined) parts.push(`table=${action.table}`);
  if (typeof action.zone === "object") parts.push(`zone=${formatSubField(action.zone)}`);
  else if (action.zone !== undefined && action.zone !== 0) parts.push(`zone=${action.zone}`);
  const actions = action.actions ?? [];
  const first = actions[0];
  if (first?.type === "nat") parts.push(printNat(first));
  const rest = first?.type === "nat" ? actions.slice(1) : actions;
  if (rest.length > 0) parts.push(`exec(${list(rest)})`);
  if (action.alg !== undefined && action.alg !== 0) parts.push(`alg=${action.alg}`);
  return `ct(${parts.join(",")})`;
}
