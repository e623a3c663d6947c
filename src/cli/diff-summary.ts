/** Counts of a comparison. */
export interface DiffTally {
  add: number;
  modify: number;
  delete: number;
  /** By table number. */
  readonly tables: Map<number, TableTally>;
}

export interface TableTally {
  add: number;
  modify: number;
  delete: number;
}

export function emptyTally(): DiffTally {
  return { add: 0, modify: 0, delete: 0, tables: new Map() };
}

/** What becomes of a key: `add` where nothing was, `modify` where another value was (however that is sent), `delete`. */
export function changeOf(isDesired: boolean, wasInstalled: boolean): keyof TableTally {
  return isDesired ? (wasInstalled ? "modify" : "add") : "delete";
}

export function count(tally: DiffTally, change: keyof TableTally, table: number): void {
  let entry = tally.tables.get(table);
  if (entry === undefined) {
    entry = { add: 0, modify: 0, delete: 0 };
    tally.tables.set(table, entry);
  }
  entry[change] += 1;
  tally[change] += 1;
}

/** The table of `--summary`. */
export function summaryLines(tally: DiffTally): string[] {
  const rows: string[][] = [["table", "add", "modify", "delete"]];
  for (const [table, entry] of [...tally.tables].sort((a, b) => a[0] - b[0])) {
    rows.push([String(table), String(entry.add), String(entry.modify), String(entry.delete)]);
  }
  rows.push(["all", String(tally.add), String(tally.modify), String(tally.delete)]);
  return alignRight(rows);
}

/** Rows as columns, right-aligned, two spaces apart. */
export function alignRight(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] as readonly string[]).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  );
  return rows.map((row) => row.map((cell, column) => cell.padStart(widths[column] as number)).join("  "));
}
