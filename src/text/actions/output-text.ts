/** Text of output and its relatives, group, controller and enqueue. */
import type { Action, ActionOf, PortRef } from "../../flow/actions/action.ts";
import { REASONS } from "../../flow/actions/output.ts";
import { portRef } from "../../flow/actions/port-ref.ts";
import { formatPort } from "../../flow/port-text.ts";
import { PORT_MAX, type PortNames, ReservedPort } from "../../flow/ports.ts";
import { KeyValues } from "../key-values.ts";
import { type ActionReader, subfieldFrom } from "./action-reader.ts";
import { formatSubField, hexArgument } from "./print.ts";
import { TokenScanner } from "./token-scanner.ts";

const WHOLE_PACKET = 0xffff;
/** Bytes of an Ethernet header: a packet cannot be cut shorter. */
const MIN_TRUNCATED = 14;

/** A port as it is printed. */
export function printPort(port: PortRef, ports: PortNames | undefined): string {
  return typeof port === "string" ? port : formatPort(port, ports);
}

function parseTruncated(reader: ActionReader, start: number, end: number): Action {
  const pairs = new KeyValues(reader.ctx.text, start, end);
  let port = 0;
  let maxLength = 0;
  while (pairs.next()) {
    const { key, valueStart, valueEnd } = pairs;
    if (key === "port") {
      const number = reader.port(valueStart, valueEnd);
      if (number === undefined) reader.fail("ACTION_PORT", "output: there is no such port", valueStart, valueEnd);
      if (number > PORT_MAX && number !== ReservedPort.LOCAL && number !== ReservedPort.IN_PORT) {
        reader.fail(
          "ACTION_PORT",
          "packets to this port cannot be cut short",
          valueStart,
          valueEnd,
          "write an ordinary port, LOCAL or IN_PORT",
        );
      }
      port = number;
    } else if (key === "max_len") {
      maxLength = reader.word(valueStart, valueEnd, "max_len");
      if (maxLength < MIN_TRUNCATED)
        reader.fail("ACTION_VALUE", `max_len must be at least ${MIN_TRUNCATED}`, valueStart, valueEnd);
    } else {
      reader.fail("ACTION_KEY", `output(port=...,max_len=...) knows no ${key}`, pairs.keyStart, pairs.keyEnd);
    }
  }
  return { type: "outputTruncated", port: portRef(port), maxLength };
}

/** `output:PORT`, `output:FIELD[BITS]`, `output(port=PORT,max_len=BYTES)`. */
export function parseOutput(reader: ActionReader, start: number, end: number): Action {
  const text = reader.text(start, end);
  if (text.includes("port") && text.includes("max_len")) return parseTruncated(reader, start, end);
  const port = reader.port(start, end);
  if (port !== undefined)
    return { type: "output", port: portRef(port), maxLength: port === ReservedPort.CONTROLLER ? WHOLE_PACKET : 0 };
  // Only what looks like a field is one; everything else is a port that is not there.
  if (reader.isSubField(start, end)) return { type: "outputReg", source: subfieldFrom(reader.subfield(start, end)) };
  return reader.fail(
    "ACTION_PORT",
    "output: there is no such port",
    start,
    end,
    "write a port number, a reserved name such as LOCAL, a name that is in the port map, or a field",
  );
}

/** `group:ID`. */
export function parseGroup(reader: ActionReader, start: number, end: number): Action {
  return { type: "group", group: reader.word(start, end, "group") };
}

// A reason is found by name or by its number in decimal; the two after packet_out have an empty name.
function parseReason(text: string): number | undefined {
  const lower = text.toLowerCase();
  const named = (REASONS as readonly string[]).indexOf(lower);
  if (named >= 0) return named;
  return lower === "" ? REASONS.length : undefined;
}

/** `controller`, `controller:BYTES`, `controller(KEY=VALUE,...)`. */
export function parseController(reader: ActionReader, start: number, end: number): Action {
  let maxLength = WHOLE_PACKET;
  let controllerId = 0;
  let reason = 1;
  let userdata: Uint8Array | undefined;
  let pause = false;
  let meter = 0;
  if (/^\d*$/.test(reader.text(start, end))) {
    if (start < end) maxLength = reader.small(start, end, "max_len", 0xffff);
  } else {
    const pairs = new KeyValues(reader.ctx.text, start, end);
    while (pairs.next()) {
      const { key, valueStart, valueEnd } = pairs;
      if (key === "reason") {
        const found = parseReason(pairs.value);
        if (found === undefined)
          reader.fail("ACTION_VALUE", "there is no such reason", valueStart, valueEnd, `write one of ${REASONS.join(", ")}`);
        reason = found;
      } else if (key === "max_len") maxLength = reader.small(valueStart, valueEnd, "max_len", 0xffff);
      else if (key === "id") controllerId = reader.small(valueStart, valueEnd, "id", 0xffff);
      else if (key === "userdata") {
        userdata = reader.hexBytes(valueStart, valueEnd);
        if (userdata === undefined)
          reader.fail("ACTION_VALUE", "userdata must be pairs of hexadecimal digits", valueStart, valueEnd);
      } else if (key === "pause") pause = true;
      else if (key === "meter_id") meter = reader.word(valueStart, valueEnd, "meter_id");
      else {
        reader.fail(
          "ACTION_KEY",
          `controller knows no ${key}`,
          pairs.keyStart,
          pairs.keyEnd,
          "write reason, max_len, id, userdata, pause or meter_id",
        );
      }
    }
  }
  if (reason === 1 && controllerId === 0 && userdata === undefined && !pause && meter === 0) {
    return { type: "output", port: "CONTROLLER", maxLength };
  }
  return {
    type: "controller",
    maxLength,
    controllerId,
    reason: REASONS[reason] ?? reason,
    ...(userdata === undefined ? {} : { userdata }),
    ...(pause ? { pause } : {}),
    ...(meter === 0 ? {} : { meter }),
  };
}

/** `enqueue:PORT:QUEUE` or `enqueue(PORT,QUEUE)`. */
export function parseEnqueue(reader: ActionReader, start: number, end: number): Action {
  const tokens = new TokenScanner(reader.ctx.text, start, end);
  const port = tokens.next(":q,");
  const { start: portStart, stop: portEnd } = tokens;
  if (port === undefined || tokens.next("") === undefined) {
    return reader.fail(
      "ACTION_SYNTAX",
      "enqueue takes a port and a queue",
      start,
      end,
      "write enqueue:PORT:QUEUE or enqueue(PORT,QUEUE)",
    );
  }
  return {
    type: "enqueue",
    port: reader.portRef(portStart, portEnd, "enqueue"),
    queue: reader.word(tokens.start, tokens.stop, "the queue"),
  };
}

/** As Open vSwitch prints it. */
export function printOutput(
  action: ActionOf<"output" | "group" | "controller" | "enqueue" | "outputReg" | "outputTruncated">,
  ports: PortNames | undefined,
): string {
  switch (action.type) {
    case "output": {
      const port = printPort(action.port, ports);
      if (action.port === "CONTROLLER") return `CONTROLLER:${action.maxLength ?? WHOLE_PACKET}`;
      return typeof action.port === "number" && action.port < PORT_MAX ? `output:${port}` : port;
    }
    case "group":
      return `group:${action.group}`;
    case "controller":
      return printController(action);
    case "enqueue":
      return `enqueue:${printPort(action.port, ports)}:${action.queue}`;
    case "outputReg":
      return `output:${formatSubField(action.source)}`;
    case "outputTruncated":
      return `output(port=${printPort(action.port, ports)},max_len=${action.maxLength})`;
  }
}

function printController(action: ActionOf<"controller">): string {
  const { maxLength = WHOLE_PACKET, controllerId = 0, reason = "action", userdata, pause = false, meter = 0 } = action;
  const isPlain = reason === "action" || reason === 1;
  const bytes = userdata?.length ?? 0;
  if (isPlain && controllerId === 0 && bytes === 0 && !pause && meter === 0) return `CONTROLLER:${maxLength}`;
  const parts: string[] = [];
  if (!isPlain) parts.push(`reason=${reason === 6 || reason === 7 ? "" : (REASONS[reason as number] ?? reason)}`);
  if (maxLength !== WHOLE_PACKET) parts.push(`max_len=${maxLength}`);
  if (controllerId !== 0) parts.push(`id=${controllerId}`);
  if (userdata !== undefined && bytes > 0) parts.push(`userdata=${hexArgument(userdata)}`);
  if (pause) parts.push("pause");
  if (meter !== 0) parts.push(`meter_id=${meter}`);
  return `controller(${parts.join(",")})`;
}
