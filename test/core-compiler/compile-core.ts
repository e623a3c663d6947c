// Compiles src/table/packed-core.ts and packed-core-base.ts to WebAssembly. The source is TypeScript of a small kind, so that editors, the type checker and
// the linter know it; what it may contain:
//
//   - functions of numbers (all of them 32-bit integers) with or without a number as result; `export` makes them callable;
//   - const and let inside functions; constants imported from other files, or made of others at the top of the file;
//   - if, while, for, break, continue, return, ?:, &&, ||, !; the operators of integers, comparisons being signed; Math.imul, Math.min;
//   - get(word), set(word, value), getByte(byte), putByte(byte, value), getAt(byte) and putAt(byte, value) (four bytes anywhere),
//     samePair(a, b) and copyPair(to, from) (two words at once), below(a, b) (unsigned comparison), copyWords(to, from, count),
//     clearWords(at, count).
//
// A product of two numbers is written with Math.imul, because that is what it is here. Functions that are one expression, or are
// called from one place, become part of their callers, as V8 does not do that with WebAssembly.
import ts from "typescript";
import { I32, MEMORY_COPY, MEMORY_FILL, moduleOf, NO_RESULT, OP, signed, unsigned, type WasmFunction } from "./wasm-module.ts";

interface Signature {
  readonly declaration: ts.FunctionDeclaration;
  readonly parameters: number;
  readonly hasResult: boolean;
  /** Among the functions of the module; -1 = a part of its callers. */
  index: number;
}

const BINARY: Partial<Record<ts.SyntaxKind, number>> = {
  [ts.SyntaxKind.PlusToken]: OP["i32.add"],
  [ts.SyntaxKind.MinusToken]: OP["i32.sub"],
  [ts.SyntaxKind.AmpersandToken]: OP["i32.and"],
  [ts.SyntaxKind.BarToken]: OP["i32.or"],
  [ts.SyntaxKind.CaretToken]: OP["i32.xor"],
  [ts.SyntaxKind.LessThanLessThanToken]: OP["i32.shl"],
  [ts.SyntaxKind.GreaterThanGreaterThanToken]: OP["i32.shr_s"],
  [ts.SyntaxKind.GreaterThanGreaterThanGreaterThanToken]: OP["i32.shr_u"],
  [ts.SyntaxKind.EqualsEqualsEqualsToken]: OP["i32.eq"],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken]: OP["i32.ne"],
  [ts.SyntaxKind.LessThanToken]: OP["i32.lt_s"],
  [ts.SyntaxKind.GreaterThanToken]: OP["i32.gt_s"],
  [ts.SyntaxKind.LessThanEqualsToken]: OP["i32.le_s"],
  [ts.SyntaxKind.GreaterThanEqualsToken]: OP["i32.ge_s"],
};

const ASSIGNMENT: Partial<Record<ts.SyntaxKind, number>> = {
  [ts.SyntaxKind.PlusEqualsToken]: OP["i32.add"],
  [ts.SyntaxKind.MinusEqualsToken]: OP["i32.sub"],
  [ts.SyntaxKind.AmpersandEqualsToken]: OP["i32.and"],
  [ts.SyntaxKind.BarEqualsToken]: OP["i32.or"],
  [ts.SyntaxKind.CaretEqualsToken]: OP["i32.xor"],
  [ts.SyntaxKind.GreaterThanGreaterThanGreaterThanEqualsToken]: OP["i32.shr_u"],
};

/** A file of the source: only of the last one what is exported can be called from outside. */
export interface CoreSource {
  readonly name: string;
  readonly text: string;
}

/** The module of some files, in which no two functions have the same name; `imported`: the values of constants that they import. */
export function compileCore(sources: readonly CoreSource[], imported: ReadonlyMap<string, number>): Uint8Array {
  const files = sources.map(({ name, text }) => ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true));
  const main = files.at(-1);
  const constants = new Map(imported);
  const signatures = new Map<string, Signature>();
  for (const statement of files.flatMap((file) => [...file.statements])) {
    if (ts.isVariableStatement(statement)) {
      for (const { name, initializer } of statement.declarationList.declarations) {
        const value = initializer === undefined ? undefined : constantOf(initializer, constants);
        if (value === undefined) throw fault(statement, "not a constant");
        constants.set(name.getText(), value);
      }
    } else if (ts.isFunctionDeclaration(statement)) {
      if (statement.body === undefined) continue;
      signatures.set(nameOf(statement), {
        declaration: statement,
        parameters: statement.parameters.length,
        hasResult: statement.type?.kind !== ts.SyntaxKind.VoidKeyword,
        index: -1,
      });
    } else if (!ts.isImportDeclaration(statement)) throw fault(statement, "not known here");
  }
  const calls = countCalls(files);
  const compiled = [...signatures].filter(([name, { declaration }]) => {
    const isExpression =
      declaration.body?.statements.length === 1 && ts.isReturnStatement(declaration.body.statements[0] as ts.Node);
    return isCallable(declaration, main) || (!isExpression && calls.get(name) !== 1);
  });
  for (const [index, [, signature]] of compiled.entries()) signature.index = index;
  return moduleOf(
    compiled.map(([, { declaration }]) =>
      new FunctionCompiler(declaration, constants, signatures).compile(isCallable(declaration, main)),
    ),
  );
}

function countCalls(files: readonly ts.SourceFile[]): Map<string, number> {
  const calls = new Map<string, number>();
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) calls.set(node.expression.getText(), (calls.get(node.expression.getText()) ?? 0) + 1);
    ts.forEachChild(node, visit);
  };
  files.forEach(visit);
  return calls;
}

function isCallable(declaration: ts.FunctionDeclaration, main: ts.SourceFile | undefined): boolean {
  if (declaration.getSourceFile() !== main) return false;
  return declaration.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword) ?? false;
}

class FunctionCompiler {
  readonly #declaration: ts.FunctionDeclaration;
  readonly #constants: ReadonlyMap<string, number>;
  readonly #signatures: ReadonlyMap<string, Signature>;
  readonly #code: number[] = [];
  /** Locals in sight, innermost scope last. */
  #scopes: Map<string, number>[] = [new Map()];
  /** In a function that is a part of this one: the block that a return leaves, and the local for its result (-1 = none). */
  #inlined: { readonly block: number; readonly result: number } | undefined;
  #localCount = 0;
  /** How many blocks are open. */
  #depth = 0;
  /** Depths at which the blocks stand that break and continue leave, innermost loop last. */
  #loops: { readonly exit: number; readonly next: number }[] = [];

  constructor(
    declaration: ts.FunctionDeclaration,
    constants: ReadonlyMap<string, number>,
    signatures: ReadonlyMap<string, Signature>,
  ) {
    this.#declaration = declaration;
    this.#constants = constants;
    this.#signatures = signatures;
  }

  compile(exported: boolean): WasmFunction {
    const declaration = this.#declaration;
    const name = nameOf(declaration);
    const { parameters, hasResult } = this.#signatures.get(name) as Signature;
    for (const parameter of declaration.parameters) this.#declare(parameter.name);
    this.#block((declaration.body as ts.Block).statements);
    if (hasResult) this.#emit(OP.unreachable);
    this.#emit(OP.end);
    return { name, exported, parameters, hasResult, locals: this.#localCount - parameters, code: this.#code };
  }

  #emit(...bytes: readonly number[]): void {
    this.#code.push(...bytes);
  }

  #open(op: number): number {
    this.#emit(op, NO_RESULT);
    return this.#depth++;
  }

  #close(): void {
    this.#emit(OP.end);
    this.#depth--;
  }

  /** Leaves (or, for a loop, begins again) the block that was opened at `depth`. */
  #branch(op: number, depth: number): void {
    this.#emit(op, ...unsigned(this.#depth - 1 - depth));
  }

  #declare(name: ts.BindingName): number {
    const local = this.#localCount++;
    (this.#scopes.at(-1) as Map<string, number>).set(name.getText(), local);
    return local;
  }

  #local(name: ts.Node): number {
    const text = name.getText();
    for (let i = this.#scopes.length - 1; i >= 0; i--) {
      const local = this.#scopes[i]?.get(text);
      if (local !== undefined) return local;
    }
    throw fault(name, "no such variable");
  }

  #block(statements: readonly ts.Statement[]): void {
    this.#scopes.push(new Map());
    for (const statement of statements) this.#statement(statement);
    this.#scopes.pop();
  }

  #statement(node: ts.Statement): void {
    if (ts.isBlock(node)) this.#block(node.statements);
    else if (ts.isVariableStatement(node)) this.#variables(node.declarationList);
    else if (ts.isExpressionStatement(node)) this.#effect(node.expression);
    else if (ts.isReturnStatement(node)) {
      this.#return(node.expression);
    } else if (ts.isIfStatement(node)) {
      this.#condition(node.expression);
      this.#open(OP.if);
      this.#statement(node.thenStatement);
      if (node.elseStatement !== undefined) {
        this.#emit(OP.else);
        this.#statement(node.elseStatement);
      }
      this.#close();
    } else if (ts.isWhileStatement(node)) this.#loop(node.expression, node.statement, undefined);
    else if (ts.isForStatement(node)) {
      this.#scopes.push(new Map());
      if (node.initializer !== undefined) {
        if (!ts.isVariableDeclarationList(node.initializer)) throw fault(node.initializer, "not known here");
        this.#variables(node.initializer);
      }
      this.#loop(node.condition, node.statement, node.incrementor);
      this.#scopes.pop();
    } else if (ts.isBreakStatement(node) && node.label === undefined) {
      this.#branch(OP.br, (this.#loops.at(-1) as { exit: number }).exit);
    } else if (ts.isContinueStatement(node) && node.label === undefined) {
      this.#branch(OP.br, (this.#loops.at(-1) as { next: number }).next);
    } else if (!ts.isEmptyStatement(node)) throw fault(node, "not known here");
  }

  #return(expression: ts.Expression | undefined): void {
    if (expression !== undefined) this.#value(expression);
    if (this.#inlined === undefined) {
      this.#emit(OP.return);
      return;
    }
    if (expression !== undefined) this.#emit(OP["local.set"], ...unsigned(this.#inlined.result));
    this.#branch(OP.br, this.#inlined.block);
  }

  #variables(list: ts.VariableDeclarationList): void {
    for (const { name, initializer } of list.declarations) {
      if (initializer === undefined) throw fault(name, "a variable without value");
      this.#value(initializer);
      this.#emit(OP["local.set"], ...unsigned(this.#declare(name)));
    }
  }

  #loop(condition: ts.Expression | undefined, body: ts.Statement, increment: ts.Expression | undefined): void {
    const exit = this.#open(OP.block);
    const again = this.#open(OP.loop);
    if (condition !== undefined && constantOf(condition, this.#constants) !== 1) {
      this.#condition(condition);
      this.#emit(OP["i32.eqz"]);
      this.#branch(OP.br_if, exit);
    }
    const next = this.#open(OP.block);
    this.#loops.push({ exit, next });
    this.#statement(body);
    this.#loops.pop();
    this.#close();
    if (increment !== undefined) this.#effect(increment);
    this.#branch(OP.br, again);
    this.#close();
    this.#close();
  }

  /** An expression for what it does. */
  #effect(node: ts.Expression): void {
    if (ts.isParenthesizedExpression(node)) this.#effect(node.expression);
    else if (ts.isPostfixUnaryExpression(node) || ts.isPrefixUnaryExpression(node)) {
      const local = this.#local(node.operand);
      const op = node.operator === ts.SyntaxKind.PlusPlusToken ? OP["i32.add"] : OP["i32.sub"];
      if (node.operator !== ts.SyntaxKind.PlusPlusToken && node.operator !== ts.SyntaxKind.MinusMinusToken) {
        throw fault(node, "does nothing");
      }
      this.#emit(OP["local.get"], ...unsigned(local), OP["i32.const"], 1, op, OP["local.set"], ...unsigned(local));
    } else if (ts.isBinaryExpression(node)) {
      const op = ASSIGNMENT[node.operatorToken.kind];
      if (op === undefined && node.operatorToken.kind !== ts.SyntaxKind.EqualsToken) throw fault(node, "does nothing");
      const local = this.#local(node.left);
      if (op !== undefined) this.#emit(OP["local.get"], ...unsigned(local));
      this.#value(node.right);
      if (op !== undefined) this.#emit(op);
      this.#emit(OP["local.set"], ...unsigned(local));
    } else if (ts.isCallExpression(node)) {
      if (this.#call(node)) this.#emit(OP.drop);
    } else throw fault(node, "does nothing");
  }

  /** An expression as 0 or something else. */
  #condition(node: ts.Expression): void {
    this.#value(node);
  }

  /** An expression as a number on the stack. */
  #value(node: ts.Expression): void {
    const constant = constantOf(node, this.#constants);
    if (constant !== undefined) this.#emit(OP["i32.const"], ...signed(constant));
    else if (ts.isParenthesizedExpression(node)) this.#value(node.expression);
    else if (ts.isIdentifier(node)) this.#emit(OP["local.get"], ...unsigned(this.#local(node)));
    else if (ts.isPrefixUnaryExpression(node)) this.#prefix(node);
    else if (ts.isConditionalExpression(node)) {
      this.#condition(node.condition);
      this.#choose(
        () => this.#value(node.whenTrue),
        () => this.#value(node.whenFalse),
      );
    } else if (ts.isCallExpression(node)) {
      if (!this.#call(node)) throw fault(node, "has no result");
    } else if (ts.isBinaryExpression(node)) this.#binary(node);
    else throw fault(node, "not known here");
  }

  #choose(then: () => void, otherwise: () => void): void {
    this.#emit(OP.if, I32);
    this.#depth++;
    then();
    this.#emit(OP.else);
    otherwise();
    this.#close();
  }

  #prefix(node: ts.PrefixUnaryExpression): void {
    if (node.operator === ts.SyntaxKind.ExclamationToken) {
      this.#value(node.operand);
      this.#emit(OP["i32.eqz"]);
    } else if (node.operator === ts.SyntaxKind.TildeToken) {
      this.#value(node.operand);
      this.#emit(OP["i32.const"], ...signed(-1), OP["i32.xor"]);
    } else if (node.operator === ts.SyntaxKind.MinusToken) {
      this.#emit(OP["i32.const"], 0);
      this.#value(node.operand);
      this.#emit(OP["i32.sub"]);
    } else throw fault(node, "not known here");
  }

  #binary(node: ts.BinaryExpression): void {
    const kind = node.operatorToken.kind;
    if (kind === ts.SyntaxKind.AmpersandAmpersandToken || kind === ts.SyntaxKind.BarBarToken) {
      const isAnd = kind === ts.SyntaxKind.AmpersandAmpersandToken;
      this.#value(node.left);
      const rest = (): void => this.#value(node.right);
      if (isAnd) this.#choose(rest, () => this.#emit(OP["i32.const"], 0));
      else this.#choose(() => this.#emit(OP["i32.const"], 1), rest);
      return;
    }
    const op = BINARY[kind];
    if (op === undefined) throw fault(node, "not known here");
    this.#value(node.left);
    this.#value(node.right);
    this.#emit(op);
  }

  /** A call; tells whether it leaves a result. */
  #call(node: ts.CallExpression): boolean {
    const name = node.expression.getText();
    const args = node.arguments;
    const arg = (index: number): ts.Expression => {
      const found = args[index];
      if (found === undefined) throw fault(node, "an argument is missing");
      return found;
    };
    if (name === "get" || name === "set") {
      const offset = this.#address(arg(0));
      if (name === "set") this.#value(arg(1));
      this.#emit(name === "get" ? OP["i32.load"] : OP["i32.store"], 2, ...unsigned(4 * offset));
      return name === "get";
    }
    if (name === "samePair" || name === "copyPair") {
      const first = this.#address(arg(0));
      if (name === "samePair") this.#emit(OP["i64.load"], 2, ...unsigned(4 * first));
      const second = this.#address(arg(1));
      this.#emit(OP["i64.load"], 2, ...unsigned(4 * second));
      if (name === "samePair") this.#emit(OP["i64.eq"]);
      else this.#emit(OP["i64.store"], 2, ...unsigned(4 * first));
      return name === "samePair";
    }
    if (name === "getByte") {
      this.#value(arg(0));
      this.#emit(OP["i32.load8_u"], 0, 0);
      return true;
    }
    if (name === "putByte") {
      this.#value(arg(0));
      this.#value(arg(1));
      this.#emit(OP["i32.store8"], 0, 0);
      return false;
    }
    if (name === "getAt" || name === "putAt") {
      this.#value(arg(0));
      if (name === "putAt") this.#value(arg(1));
      this.#emit(name === "getAt" ? OP["i32.load"] : OP["i32.store"], 0, 0);
      return name === "getAt";
    }
    if (name === "below" || name === "Math.imul") {
      this.#value(arg(0));
      this.#value(arg(1));
      this.#emit(name === "below" ? OP["i32.lt_u"] : OP["i32.mul"]);
      return true;
    }
    if (name === "Math.min") {
      const [a, b] = [this.#localCount++, this.#localCount++];
      this.#value(arg(0));
      this.#emit(OP["local.tee"], ...unsigned(a));
      this.#value(arg(1));
      this.#emit(OP["local.tee"], ...unsigned(b), OP["local.get"], ...unsigned(a), OP["local.get"], ...unsigned(b));
      this.#emit(OP["i32.lt_s"], OP.select);
      return true;
    }
    if (name === "copyWords" || name === "clearWords") {
      const clear = name === "clearWords";
      this.#bytes(arg(0));
      if (clear) this.#emit(OP["i32.const"], 0);
      else this.#bytes(arg(1));
      this.#bytes(arg(clear ? 1 : 2));
      this.#emit(...(clear ? MEMORY_FILL : MEMORY_COPY));
      return false;
    }
    const signature = this.#signatures.get(name);
    if (signature === undefined) throw fault(node, "no such function");
    if (args.length !== signature.parameters) throw fault(node, `takes ${signature.parameters} arguments`);
    for (const each of args) this.#value(each);
    if (signature.index >= 0) this.#emit(OP.call, ...unsigned(signature.index));
    else this.#inline(signature);
    return signature.hasResult;
  }

  /** A function that is a part of this one; its arguments are on the stack. */
  #inline({ declaration, hasResult }: Signature): void {
    const outside = { scopes: this.#scopes, loops: this.#loops, inlined: this.#inlined };
    this.#scopes = [new Map()];
    this.#loops = [];
    const parameters = declaration.parameters.map((parameter) => this.#declare(parameter.name));
    for (const local of parameters.reverse()) this.#emit(OP["local.set"], ...unsigned(local));
    const { statements } = declaration.body as ts.Block;
    const only = statements.length === 1 ? statements[0] : undefined;
    if (only !== undefined && ts.isReturnStatement(only) && only.expression !== undefined) this.#value(only.expression);
    else {
      const result = hasResult ? this.#localCount++ : -1;
      this.#inlined = { block: this.#open(OP.block), result };
      this.#block(statements);
      this.#close();
      if (hasResult) this.#emit(OP["local.get"], ...unsigned(result));
    }
    this.#scopes = outside.scopes;
    this.#loops = outside.loops;
    this.#inlined = outside.inlined;
  }

  /** A number of words as a number of bytes. */
  #bytes(node: ts.Expression): void {
    const constant = constantOf(node, this.#constants);
    if (constant !== undefined) {
      this.#emit(OP["i32.const"], ...signed(4 * constant));
      return;
    }
    this.#value(node);
    this.#emit(OP["i32.const"], 2, OP["i32.shl"]);
  }

  /** The variable part of a word's address, in bytes; its constant part is the result. */
  #address(node: ts.Expression): number {
    const constant = constantOf(node, this.#constants);
    if (constant !== undefined) {
      this.#emit(OP["i32.const"], 0);
      return constant;
    }
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
      const offset = constantOf(node.right, this.#constants);
      if (offset !== undefined && offset >= 0) return offset + this.#address(node.left);
    }
    this.#bytes(node);
    return 0;
  }
}

/** The value of a constant expression. */
function constantOf(node: ts.Expression, constants: ReadonlyMap<string, number>): number | undefined {
  if (ts.isNumericLiteral(node)) return Number(node.text.replaceAll("_", "")) | 0;
  if (node.kind === ts.SyntaxKind.TrueKeyword) return 1;
  if (node.kind === ts.SyntaxKind.FalseKeyword) return 0;
  if (ts.isIdentifier(node)) return constants.get(node.text);
  if (ts.isParenthesizedExpression(node)) return constantOf(node.expression, constants);
  if (ts.isPrefixUnaryExpression(node)) {
    const value = constantOf(node.operand, constants);
    if (value === undefined) return undefined;
    if (node.operator === ts.SyntaxKind.MinusToken) return -value | 0;
    return node.operator === ts.SyntaxKind.TildeToken ? ~value : undefined;
  }
  if (!ts.isBinaryExpression(node)) return undefined;
  const left = constantOf(node.left, constants);
  const right = constantOf(node.right, constants);
  if (left === undefined || right === undefined) return undefined;
  switch (node.operatorToken.kind) {
    case ts.SyntaxKind.PlusToken:
      return (left + right) | 0;
    case ts.SyntaxKind.MinusToken:
      return (left - right) | 0;
    case ts.SyntaxKind.AsteriskToken:
      return Math.imul(left, right);
    case ts.SyntaxKind.BarToken:
      return left | right;
    case ts.SyntaxKind.AmpersandToken:
      return left & right;
    case ts.SyntaxKind.LessThanLessThanToken:
      return left << right;
    case ts.SyntaxKind.GreaterThanGreaterThanToken:
      return left >> right;
    case ts.SyntaxKind.GreaterThanGreaterThanGreaterThanToken:
      return (left >>> right) | 0;
    default:
      return undefined;
  }
}

function nameOf(declaration: ts.FunctionDeclaration): string {
  if (declaration.name === undefined) throw fault(declaration, "a function without name");
  return declaration.name.text;
}

function fault(node: ts.Node, message: string): Error {
  const { line } = node.getSourceFile().getLineAndCharacterOfPosition(node.getStart());
  return new Error(`${node.getSourceFile().fileName}:${line + 1}: ${message}: ${node.getText().split("\n", 1)[0]}`);
}
