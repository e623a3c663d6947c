import ts from "typescript";

/** A source file, path relative to the project with forward slashes, such as `src/flow/match.ts`. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/**
 * The rooms from the bottom up. A file may import from its own room and from rooms of a lower rank; files directly in
 * `src/` that are no public surface are the floor (rank 0).
 */
export const ROOMS: Readonly<Record<string, number>> = {
  floor: 0,
  flow: 1,
  text: 2,
  wire: 3,
  table: 4,
  diff: 5,
  transport: 6,
  sync: 7,
  openflow: 8,
  store: 9,
  cluster: 10,
  persist: 10,
  testing: 11,
  cli: 12,
};

/** Public surfaces and the rooms they may show. */
const SURFACES: Readonly<Record<string, readonly string[]>> = {
  "src/index.ts": ["floor", "flow", "text", "table", "diff", "transport", "sync"],
  "src/openflow.ts": ["floor", "flow", "wire", "transport", "openflow"],
  "src/testing.ts": ["floor", "flow", "text", "wire", "table", "diff", "transport", "sync", "openflow", "testing"],
};

/** Rooms that run in a browser: nothing of Node in them. */
const BROWSER_ROOMS: ReadonlySet<string> = new Set([
  "floor",
  "flow",
  "text",
  "wire",
  "table",
  "diff",
  "transport",
  "sync",
  "index",
]);

/** Where each package from outside may be imported. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  immer: ["table"],
  uuid: ["table"],
  "fast-deep-equal": ["table", "sync", "openflow", "testing"],
  "fast-check": ["testing"],
};

/** Globals that only Node has. */
const NODE_GLOBALS: ReadonlySet<string> = new Set([
  "Buffer",
  "process",
  "require",
  "global",
  "setImmediate",
  "__dirname",
  "__filename",
]);

const MAX_LINES = 700;

/** The room of a source file; `undefined` for the public surfaces. */
export function roomOf(path: string): string | undefined {
  if (path in SURFACES) return undefined;
  const parts = path.split("/");
  return parts.length === 2 ? "floor" : parts[1];
}

/** All breaches of the rules in these files, one line each, empty when there are none. */
export function breaches(files: readonly SourceFile[]): string[] {
  const found: string[] = [];
  const known = new Set(files.map((file) => file.path));
  for (const file of files) {
    const say = (text: string): void => {
      found.push(`${file.path}: ${text}`);
    };
    const room = roomOf(file.path);
    if (room !== undefined && !(room in ROOMS)) say(`is in no known room (${room})`);
    const lines = file.text.split("\n").length;
    if (lines > MAX_LINES) say(`has ${lines} lines, more than ${MAX_LINES}`);
    if (/@ts-(ignore|expect-error|nocheck)/.test(file.text)) say("silences the type checker");
    if (/\b(TODO|FIXME)\b/.test(file.text)) say("leaves something to do");
    const source = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ES2022, true);
    checkNodes(source, room, say);
    for (const target of importsOf(file.text)) checkImport(file.path, room, target, known, say);
  }
  return found;
}

/** Every module name that a file imports, statically, dynamically, as a type or by re-export. */
export function importsOf(text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map((entry) => entry.fileName);
}

function checkImport(
  path: string,
  room: string | undefined,
  target: string,
  known: ReadonlySet<string>,
  say: (text: string) => void,
): void {
  if (target.startsWith("node:")) {
    if (BROWSER_ROOMS.has(room ?? "index") && path !== "src/openflow.ts" && path !== "src/testing.ts") {
      say(`imports ${target}, but must run in a browser`);
    }
    return;
  }
  if (!target.startsWith(".")) {
    const name = target.startsWith("@") ? target.split("/").slice(0, 2).join("/") : (target.split("/")[0] as string);
    if (!(PACKAGES[name] ?? []).includes(room ?? "")) say(`imports the package ${target}, which is not for this room`);
    return;
  }
  const resolved = new URL(target, `file:///${path}`).pathname.slice(1);
  // The command prints the package's version.
  if (room === "cli" && resolved === "package.json") return;
  if (!known.has(resolved)) {
    say(`imports ${target}, which is no source file`);
    return;
  }
  const targetRoom = roomOf(resolved);
  if (room === "cli") {
    if (targetRoom !== "cli" && resolved !== "src/index.ts" && resolved !== "src/openflow.ts") {
      say(`imports ${resolved}: the command uses the public surface only`);
    }
    return;
  }
  if (targetRoom === undefined) {
    say(`imports the public surface ${resolved}`);
    return;
  }
  if (room === undefined) {
    if (!(SURFACES[path] as readonly string[]).includes(targetRoom)) say(`shows something of the room ${targetRoom}`);
    return;
  }
  const from = ROOMS[room] ?? -1;
  const to = ROOMS[targetRoom] ?? Number.POSITIVE_INFINITY;
  if (room !== targetRoom && to >= from) say(`imports ${resolved}: ${room}(${from}) -> ${targetRoom}(${to}) goes up`);
}

function checkNodes(source: ts.SourceFile, room: string | undefined, say: (text: string) => void): void {
  const at = (node: ts.Node): string => `line ${source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1}`;
  const browser = room !== undefined && BROWSER_ROOMS.has(room);
  const visit = (node: ts.Node): void => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) say(`${at(node)} uses any`);
    if (ts.isExportDeclaration(node) && (node.exportClause === undefined || ts.isNamespaceExport(node.exportClause))) {
      say(`${at(node)} exports everything of a module`);
    }
    if (browser && ts.isIdentifier(node) && NODE_GLOBALS.has(node.text) && isFreeName(node)) {
      say(`${at(node)} uses ${node.text}, which only Node has`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}

/** A name that stands for itself: not a property, a member or the name of a declaration. */
function isFreeName(node: ts.Identifier): boolean {
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isQualifiedName(parent)) return parent.left === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  return !(
    (ts.isPropertySignature(parent) ||
      ts.isPropertyDeclaration(parent) ||
      ts.isMethodDeclaration(parent) ||
      ts.isMethodSignature(parent) ||
      ts.isParameter(parent) ||
      ts.isVariableDeclaration(parent) ||
      ts.isGetAccessor(parent)) &&
    parent.name === node
  );
}
