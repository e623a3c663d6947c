import type { Command, OptionSpec } from "./command.ts";
import type { CommandEntry } from "./run.ts";
import type { Terminal } from "./terminal.ts";

/** What `ofsync --help` says. */
export function overview(commands: readonly CommandEntry[], terminal: Terminal): string {
  const width = Math.max(...commands.map((command) => command.name.length));
  return [
    "ofsync keeps the flow tables of OpenFlow switches in step with what you want.",
    "",
    `${terminal.paint("bold", "Usage:")} ofsync COMMAND [OPTIONS] [ARGUMENTS]`,
    "",
    terminal.paint("bold", "Commands:"),
    ...commands.map((command) => `  ${terminal.paint("cyan", command.name.padEnd(width))}  ${command.summary}`),
    "",
    "Flows are read and written in the text form of ovs-ofctl, one flow a line:",
    "  table=3,priority=100,ip,nw_dst=10.0.0.0/8,actions=resubmit(,4)",
    "",
    '"ofsync COMMAND --help" explains a command, with examples. "ofsync --version" prints the version.',
    "",
  ].join("\n");
}

/** What `ofsync COMMAND --help` says. */
export function commandHelp(name: string, command: Command, terminal: Terminal): string {
  const options: [string, OptionSpec][] = [
    ...Object.entries(command.options),
    ["help", { type: "boolean", short: "h", help: "show this" }],
  ];
  const left = options.map(([option, spec]) => {
    const value = spec.type === "string" ? ` ${spec.value ?? "VALUE"}` : "";
    return `${spec.short === undefined ? "    " : `-${spec.short}, `}--${option}${value}`;
  });
  const width = Math.max(...left.map((text) => text.length));
  return [
    `${terminal.paint("bold", "Usage:")} ofsync ${command.usage}`,
    "",
    command.help.trim().replace(/^(\$ .*)$/gm, (line) => `  ${terminal.paint("cyan", line)}`),
    "",
    terminal.paint("bold", "Options:"),
    ...options.map(([, spec], i) => `  ${(left[i] as string).padEnd(width)}  ${indentRest(spec.help, width + 4)}`),
    "",
    `"ofsync ${name}" reads flows as ovs-ofctl writes them; docs/text-syntax.md of the package describes that form.`,
    "",
  ].join("\n");
}

function indentRest(text: string, by: number): string {
  return text.replace(/\n/g, `\n${" ".repeat(by)}`);
}
