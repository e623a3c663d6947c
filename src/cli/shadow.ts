/** One field of a match: `mask` is all ones where the field is matched exactly. Both have the field's length. */
export interface MaskedField {
  readonly name: string;
  readonly value: Uint8Array;
  readonly mask: Uint8Array;
}

/** A flow as the search sees it. */
export interface ShadowCandidate {
  readonly table: number;
  readonly priority: number;
  /** Sorted by name. */
  readonly fields: readonly MaskedField[];
  /** Can it take packets away from others? A flow that is only one dimension of a conjunctive match cannot. */
  readonly covers: boolean;
}

/**
 * Flows of one table that match on the same bits. `bestByValue` holds, per value of those bits, the covering flow with the
 * highest priority: no other one of the group can cover more.
 */
interface Shape {
  readonly fields: readonly { readonly name: string; readonly mask: Uint8Array }[];
  readonly members: number[];
  readonly bestByValue: Map<string, number>;
  highest: number;
}

/**
 * For each flow that a flow of higher priority in the same table covers entirely, calls `report(flow, by)` with their
 * indexes. `by` is the one with the highest priority. Covered by several flows together but by none alone is not found.
 *
 * Flows are grouped by the bits they match on, as a switch's classifier does it: one look-up per flow and per group whose
 * bits are among the flow's bits.
 */
export function findShadowed(flows: readonly ShadowCandidate[], report: (flow: number, by: number) => void): void {
  for (const shapes of shapesByTable(flows).values()) {
    for (const shape of shapes) {
      const above = shapes.filter((other) => other.bestByValue.size > 0 && isSubset(other, shape));
      if (above.length === 0) continue;
      for (const index of shape.members) {
        const by = coveringFlow(flows, flows[index] as ShadowCandidate, above);
        if (by !== undefined) report(index, by);
      }
    }
  }
}

/** Does every packet of `inner` match `outer` as well? Both lists sorted by name. */
export function coversFields(outer: readonly MaskedField[], inner: readonly MaskedField[]): boolean {
  let at = 0;
  for (const field of outer) {
    while (at < inner.length && (inner[at] as MaskedField).name < field.name) at++;
    const other = inner[at];
    if (other === undefined || other.name !== field.name) return false;
    for (let i = 0; i < field.mask.length; i++) {
      const mask = field.mask[i] as number;
      if (((other.mask[i] as number) & mask) !== mask) return false;
      if ((((other.value[i] as number) ^ (field.value[i] as number)) & mask) !== 0) return false;
    }
  }
  return true;
}

/** Is there a packet that matches both? Both lists sorted by name. */
export function overlapFields(a: readonly MaskedField[], b: readonly MaskedField[]): boolean {
  let at = 0;
  for (const field of a) {
    while (at < b.length && (b[at] as MaskedField).name < field.name) at++;
    const other = b[at];
    if (other === undefined || other.name !== field.name) continue;
    for (let i = 0; i < field.mask.length; i++) {
      const common = (field.mask[i] as number) & (other.mask[i] as number);
      if ((((other.value[i] as number) ^ (field.value[i] as number)) & common) !== 0) return false;
    }
  }
  return true;
}

function shapesByTable(flows: readonly ShadowCandidate[]): Map<number, Shape[]> {
  const tables = new Map<number, Shape[]>();
  const known = new Map<string, Shape>();
  flows.forEach((flow, index) => {
    const name = `${flow.table} ${flow.fields.map((field) => `${field.name}/${binary(field.mask)}`).join()}`;
    let shape = known.get(name);
    if (shape === undefined) {
      shape = { fields: flow.fields, members: [], bestByValue: new Map(), highest: -1 };
      known.set(name, shape);
      const shapes = tables.get(flow.table);
      if (shapes === undefined) tables.set(flow.table, [shape]);
      else shapes.push(shape);
    }
    shape.members.push(index);
    if (!flow.covers) return;
    shape.highest = Math.max(shape.highest, flow.priority);
    const value = maskedValue(flow.fields, shape);
    const best = shape.bestByValue.get(value);
    if (best === undefined || (flows[best] as ShadowCandidate).priority < flow.priority) shape.bestByValue.set(value, index);
  });
  return tables;
}

function coveringFlow(flows: readonly ShadowCandidate[], flow: ShadowCandidate, above: readonly Shape[]): number | undefined {
  let found: number | undefined;
  let priority = flow.priority;
  for (const shape of above) {
    if (shape.highest <= priority) continue;
    const index = shape.bestByValue.get(maskedValue(flow.fields, shape));
    if (index === undefined) continue;
    const candidate = (flows[index] as ShadowCandidate).priority;
    if (candidate > priority) {
      priority = candidate;
      found = index;
    }
  }
  return found;
}

/** Are the bits that `small` matches on all among those of `large`? */
function isSubset(small: Shape, large: Shape): boolean {
  let at = 0;
  for (const { name, mask } of small.fields) {
    while (at < large.fields.length && (large.fields[at] as { name: string }).name < name) at++;
    const other = large.fields[at];
    if (other === undefined || other.name !== name) return false;
    for (let i = 0; i < mask.length; i++) if (((mask[i] as number) & (other.mask[i] as number)) !== mask[i]) return false;
  }
  return true;
}

/** The bits of `shape` in these fields, as a string. The fields must have them all. */
function maskedValue(fields: readonly MaskedField[], shape: Shape): string {
  let text = "";
  let at = 0;
  for (const { name, mask } of shape.fields) {
    while ((fields[at] as MaskedField).name !== name) at++;
    const { value } = fields[at] as MaskedField;
    for (let i = 0; i < mask.length; i++) text += String.fromCharCode((value[i] as number) & (mask[i] as number));
  }
  return text;
}

function binary(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
