import { Flow, type FlowKey, formatFlow, type OpenFlowVersion } from "../index.ts";

/**
 * A flow in the form in which `ovs-ofctl diff-flows` prints it: the key first, then what else differs from the defaults, then
 * the actions. Flags are not in it.
 */
export function flowLine(flow: Flow, version: OpenFlowVersion): string {
  const bare = new Flow({ priority: flow.priority, match: flow.match, instructions: flow.instructions });
  const text = formatFlow(bare, { version });
  const at = text.startsWith("actions=") ? 0 : text.indexOf(" actions=") + 1;
  return (
    (flow.table === 0 ? "" : `table=${flow.table} `) +
    (at === 0 ? "" : text.slice(0, at - 1)) +
    (flow.cookieHigh === 0 && flow.cookieLow === 0 ? "" : ` cookie=0x${flow.cookie.toString(16)}`) +
    (flow.idleTimeout === 0 ? "" : ` idle_timeout=${flow.idleTimeout}`) +
    (flow.hardTimeout === 0 ? "" : ` hard_timeout=${flow.hardTimeout}`) +
    (flow.importance === 0 ? "" : ` importance=${flow.importance}`) +
    ` ${text.slice(at)}`
  );
}

/** Table, priority and match, as they stand at the head of {@link flowLine}; `(every packet)` for a match without fields. */
export function keyText(key: FlowKey, version: OpenFlowVersion): string {
  const line = flowLine(new Flow({ table: key.table, priority: key.priority, match: key.match }), version);
  const text = line.slice(0, line.lastIndexOf(" actions=")).trim();
  return text === "" ? "(priority=32768, every packet)" : text;
}
