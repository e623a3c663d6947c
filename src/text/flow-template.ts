import { OfsyncError } from "../errors.ts";
import type { Flow } from "../flow/flow.ts";
import { Instructions } from "../flow/instructions.ts";
import { Match } from "../flow/match.ts";
import { formatInstructions } from "./actions/format-instructions.ts";
import { formatMatch } from "./format-match.ts";
import { parseFlow } from "./parse-flow.ts";

/** What may stand in `${…}` of a {@link flow} template. */
export type FlowTemplateValue = string | number | bigint | Match | Instructions;

/**
 * A flow written in place: `` flow`table=${table},priority=100,ip,nw_dst=${address},actions=resubmit(,4)` ``. Read strictly, as by
 * `parseFlow`. Numbers are put in as decimal, a {@link Match} and {@link Instructions} as their text; a string goes in as it is, so
 * never take one from somebody you do not trust. Throws an `OfsyncError`; for a value of another kind, `FLOW_TEMPLATE` with its
 * position in `place.index`.
 */
export function flow(strings: TemplateStringsArray, ...values: FlowTemplateValue[]): Flow {
  let text = strings[0] ?? "";
  for (const [i, value] of values.entries()) text += templateText(value, i) + (strings[i + 1] ?? "");
  return parseFlow(text);
}

function templateText(value: FlowTemplateValue, index: number): string {
  if (typeof value === "string") return value;
  if (typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value))) return String(value);
  if (value instanceof Match) return formatMatch(value);
  if (value instanceof Instructions) return formatInstructions(value, "OpenFlow15", {});
  throw new OfsyncError("FLOW_TEMPLATE", `value ${index + 1} of the template is ${describe(value)}`, {
    place: { index },
    hint: "use a string, a whole number, a Match or Instructions",
  });
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === "number" ? `the number ${value}` : `a value of type ${typeof value}`;
}
