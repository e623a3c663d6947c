import { formatFlow } from "../../index.ts";
import type { Command } from "../command.ts";
import { describeError } from "../error-text.ts";
import { COMPAT_STRICT, eachFlow, type Reading, readingOf, VERSION_OF_FORMS, warningText } from "../flow-lines.ts";
import { inputName } from "../input.ts";
import { NAMES_OPTION, PORTS_OPTION, portsOf, printedNames } from "../port-map.ts";

/** `ofsync fmt`: flows in canonical text. */
export const fmt: Command = {
  usage: "fmt [OPTIONS] [FILE...]",
  help: `
Writes every flow of the files (or of standard input: no file, or "-") in canonical text, one a line, exactly as
"ovs-ofctl --no-stats --no-names dump-flows" would print it after it was installed with the chosen OpenFlow version.
Two flows that mean the same slot and the same actions come out as the same line.

$ ofsync fmt flows.txt
$ echo 'tcp_dst=80,tcp,actions=1' | ofsync fmt
$ ofsync fmt --ports eth0=1,eth1=2 --names flows.txt
$ ofsync fmt --json --keep-going flows.txt | jq 'select(.ok|not)'

Comments, blank lines, the head of a dump and statistics are left out. A bad line ends the work, unless --keep-going
is given: then it is told and the rest is done.

With --json every flow gives one line: {"line":3,"ok":true,"text":"…"} or
{"line":4,"ok":false,"code":"…","column":12,"message":"…"}; of several files, each line has its "file" as well.

Exit status: 0 all flows were good, 1 at least one was not.`,
  options: {
    openflow: VERSION_OF_FORMS,
    compat: COMPAT_STRICT,
    ports: PORTS_OPTION,
    names: NAMES_OPTION,
    "keep-going": { type: "boolean", short: "k", help: "go on after a bad line" },
    json: { type: "boolean", help: "one JSON object a line instead of text" },
  },
  async run(input, terminal) {
    const ports = portsOf(input);
    const names = printedNames(input, ports);
    const reading: Reading = { ...readingOf(input), ...(ports === undefined ? {} : { ports }) };
    const json = input.has("json");
    const keepGoing = input.has("keep-going");
    const files = input.operands.length === 0 ? ["-"] : input.operands;
    let bad = 0;
    for (const path of files) {
      const file = files.length > 1 ? { file: inputName(path) } : {};
      await eachFlow(path, reading, terminal, {
        flow(flow, line) {
          const text = formatFlow(flow, { version: reading.version, names });
          terminal.line(json ? JSON.stringify({ ...file, line, ok: true, text }) : text);
        },
        bad(error, line, text) {
          bad += 1;
          if (json) {
            const { code, message, place, hint } = error;
            terminal.line(
              JSON.stringify({
                ...file,
                line,
                ok: false,
                code,
                column: place.column ?? 1,
                message,
                ...(hint === undefined ? {} : { hint }),
              }),
            );
          } else {
            terminal.note(describeError(error, terminal, { file: inputName(path), text }));
          }
          return keepGoing;
        },
        warning(warning) {
          if (!json) terminal.note(warningText(warning, path, terminal));
        },
      });
      if (bad > 0 && !keepGoing) break;
    }
    return bad === 0 ? 0 : 1;
  },
};
