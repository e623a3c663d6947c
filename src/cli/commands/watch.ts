import { type Flow, formatFlow, sameMeaning } from "../../index.ts";
import type { OpenFlowTransport } from "../../openflow.ts";
import { type Command, CommandFailure, UsageError } from "../command.ts";
import { DEFAULT_VERSION } from "../flow-lines.ts";
import { keyOf } from "../flow-set.ts";
import { onInterrupt, openSwitch, untilDown } from "../switch.ts";
import { SWITCH_OPTIONS, VERSION_OPTION } from "../switch-options.ts";
import type { Terminal } from "../terminal.ts";

const MARKS = { added: ["+", "green"], modified: ["~", "yellow"], deleted: ["-", "red"] } as const;

type ChangeKind = keyof typeof MARKS;

/** `ofsync watch`: changes of a switch as they happen. */
export const watch: Command = {
  usage: "watch [OPTIONS] SWITCH",
  help: `
Prints every change of a switch's flows as it happens, whoever makes it, until Ctrl-C: "+" a flow was added, "~" it was
modified, "-" it was deleted. Nothing is changed at the switch.

$ ofsync watch br0
$ ofsync watch --json tcp:192.0.2.1:6653

Where the switch has a flow monitor it tells by itself; otherwise its flows are read again and again and compared.

Exit status: 0 after Ctrl-C, 1 when the connection is lost.`,
  options: {
    openflow: VERSION_OPTION,
    ...SWITCH_OPTIONS,
    interval: { type: "string", value: "SECONDS", help: "without a flow monitor: seconds between two reads (default 2)" },
    json: { type: "boolean", help: "one JSON object per change" },
  },
  async run(input, terminal) {
    const [address, ...more] = input.operands;
    if (address === undefined || more.length > 0) throw new UsageError("needs one SWITCH");
    const intervalMs = 1000 * (input.number("interval", 1, 86_400) ?? 2);
    const { transport, description, close } = await openSwitch(address, input, terminal);
    const interrupted = new AbortController();
    onInterrupt(() => interrupted.abort());
    const down = untilDown(transport);
    const printer = new ChangePrinter(transport, input.has("json"), terminal);
    try {
      terminal.note(`watching ${description}; Ctrl-C ends`);
      const stopped = new Promise<undefined>((resolve) => interrupted.signal.addEventListener("abort", () => resolve(undefined)));
      if (transport.capabilities.monitor) {
        transport.subscribe((event) => {
          if (event.type === "changed") printer.print(event.change, event.flow);
          else if (event.type === "gap") terminal.note("the switch lost changes: what was printed is not complete");
        });
      } else {
        void poll(transport, intervalMs, interrupted.signal, printer).catch((error: unknown) => {
          if (transport.isUp) terminal.note(`reading failed: ${error instanceof Error ? error.message : String(error)}`);
        });
      }
      const reason = await Promise.race([down, stopped]);
      if (reason !== undefined) throw new CommandFailure(`the connection was lost: ${reason}`);
      return 0;
    } finally {
      interrupted.abort();
      await close();
    }
  },
};

class ChangePrinter {
  readonly #transport: OpenFlowTransport;
  readonly #json: boolean;
  readonly #terminal: Terminal;

  constructor(transport: OpenFlowTransport, json: boolean, terminal: Terminal) {
    this.#transport = transport;
    this.#json = json;
    this.#terminal = terminal;
  }

  print(change: ChangeKind, flow: Flow): void {
    const { state } = this.#transport;
    const text = formatFlow(flow, { version: state.phase === "up" ? state.version : DEFAULT_VERSION });
    const time = new Date().toISOString();
    if (this.#json) this.#terminal.line(JSON.stringify({ time, change, flow: text }));
    else {
      const [mark, style] = MARKS[change];
      this.#terminal.line(`${time} ${this.#terminal.paint(style, `${mark} ${text}`)}`);
    }
    // Whoever watches wants to see it now.
    this.#terminal.flush();
  }
}

/** Reads the flows again and again and prints how they differ from the time before. */
async function poll(
  transport: OpenFlowTransport,
  intervalMs: number,
  signal: AbortSignal,
  printer: ChangePrinter,
): Promise<void> {
  let before: Map<string, Flow> | undefined;
  while (!signal.aborted) {
    const now = new Map<string, Flow>();
    for await (const chunk of transport.readFlows()) for (const { flow } of chunk) now.set(keyOf(flow), flow);
    if (before !== undefined) {
      for (const [key, flow] of before) if (!now.has(key)) printer.print("deleted", flow);
      for (const [key, flow] of now) {
        const old = before.get(key);
        if (old === undefined) printer.print("added", flow);
        else if (!old.sameAttributes(flow) || !sameMeaning(old.instructions, flow.instructions)) printer.print("modified", flow);
      }
    }
    before = now;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, intervalMs);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
