import { type Flow, Instructions, isOfsyncError, type OpenFlowVersion, parseFlow } from "../../index.ts";
import { encodeMessage, FLOW_MOD_DEFAULTS, type MessageToEncode } from "../../openflow.ts";
import { type Command, CommandFailure, UsageError } from "../command.ts";
import { describeError } from "../error-text.ts";
import { COMPAT_STRICT, eachGoodFlow, readingOf, VERSION_OF_FORMS } from "../flow-lines.ts";

const COMMANDS = { add: "add", modify: "modifyStrict", delete: "deleteStrict" } as const;
const WIRE_VERSIONS: Readonly<Partial<Record<OpenFlowVersion, 4 | 5 | 6>>> = { OpenFlow13: 4, OpenFlow14: 5, OpenFlow15: 6 };

/** `ofsync encode`: flow text to OpenFlow bytes. */
export const encode: Command = {
  usage: "encode [OPTIONS] [FLOW...]",
  help: `
Writes each flow as a flow-mod message in hexadecimal digits, one a line, in the encoding that Open vSwitch chooses for
that version. Without a FLOW the flows are read from standard input.

$ ofsync encode 'table=3,priority=100,ip,actions=resubmit(,4)'
$ ofsync encode -O OpenFlow13 < flows.txt
$ ofsync encode --command delete 'table=3,priority=100,ip,actions=drop'`,
  options: {
    openflow: VERSION_OF_FORMS,
    compat: COMPAT_STRICT,
    command: { type: "string", value: "NAME", help: '"add" (default), "modify" or "delete", the latter two strict' },
    xid: { type: "string", value: "N", help: "transaction id of the first message (default 1); the next ones count up" },
  },
  async run(input, terminal) {
    const reading = readingOf(input);
    const version = WIRE_VERSIONS[reading.version];
    if (version === undefined)
      throw new UsageError(`-O is ${reading.version}, but only OpenFlow13, OpenFlow14 and OpenFlow15 are written`);
    const name = input.text("command") ?? "add";
    if (!Object.hasOwn(COMMANDS, name)) throw new UsageError(`--command is "${name}", but must be "add", "modify" or "delete"`);
    const command = COMMANDS[name as keyof typeof COMMANDS];
    let xid = input.number("xid", 0, 0xffff_ffff) ?? 1;
    const write = (flow: Flow): void => {
      terminal.line(hex(encodeMessage(flowMod(flow, command), { version, xid })));
      xid = (xid + 1) >>> 0;
    };
    for (const text of input.operands) {
      try {
        write(parseFlow(text, reading));
      } catch (error) {
        if (isOfsyncError(error)) throw new CommandFailure(describeError(error, terminal, { file: "FLOW", text }));
        throw error;
      }
    }
    if (input.operands.length === 0) await eachGoodFlow("-", reading, terminal, write);
    return 0;
  },
};

function flowMod(flow: Flow, command: (typeof COMMANDS)[keyof typeof COMMANDS]): MessageToEncode {
  const { table, priority, match, instructions, cookie, idleTimeout, hardTimeout, importance, flags } = flow;
  const key = { ...FLOW_MOD_DEFAULTS, type: "flowMod", command, table, priority, match } as const;
  if (command === "add") return { ...key, instructions, cookie, idleTimeout, hardTimeout, importance, flags };
  return { ...key, instructions: command === "deleteStrict" ? Instructions.drop : instructions, cookie: 0n };
}

function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}
