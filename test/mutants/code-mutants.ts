import ts from 'typescript';

/** A change of a node, and the kind of fault it is. */
export interface Change {
  start: number;
  end: number;
  becomes: string;
  kind: string;
}

const K = ts.SyntaxKind;

/** The replacements of an operator, with the kind of fault. */
const operators: Readonly<Partial<Record<ts.SyntaxKind, readonly [kind: string, ...becomes: string[]]>>> = {
  [K.LessThanToken]: ['bound', '<=', '>='],
  [K.LessThanEqualsToken]: ['bound', '<', '>'],
  [K.GreaterThanToken]: ['bound', '>=', '<='],
  [K.GreaterThanEqualsToken]: ['bound', '>', '<'],
  [K.EqualsEqualsEqualsToken]: ['comparison', '!=='],
  [K.ExclamationEqualsEqualsToken]: ['comparison', '==='],
  [K.EqualsEqualsToken]: ['comparison', '!='],
  [K.ExclamationEqualsToken]: ['comparison', '=='],
  [K.AmpersandAmpersandToken]: ['logic', '||'],
  [K.BarBarToken]: ['logic', '&&'],
  [K.QuestionQuestionToken]: ['default', '&&'],
  [K.PlusToken]: ['arithmetic', '-'],
  [K.MinusToken]: ['arithmetic', '+'],
  [K.AsteriskToken]: ['arithmetic', '/'],
  [K.SlashToken]: ['arithmetic', '*'],
  [K.PercentToken]: ['arithmetic', '*'],
  [K.PlusEqualsToken]: ['arithmetic', '-='],
  [K.MinusEqualsToken]: ['arithmetic', '+='],
};

/** The replacement of a method; '' removes the call and keeps its object. */
const methods: Readonly<Record<string, string>> = {
  min: 'max',
  max: 'min',
  floor: 'ceil',
  ceil: 'floor',
  round: 'floor',
  trunc: 'ceil',
  some: 'every',
  every: 'some',
  startsWith: 'endsWith',
  endsWith: 'startsWith',
  toLowerCase: 'toUpperCase',
  toUpperCase: 'toLowerCase',
  findLast: 'find',
  filter: '',
  sort: '',
  toSorted: '',
  reverse: '',
  toReversed: '',
  trim: '',
  slice: '',
};

/** The possible faults of a node of the code. */
export function codeChanges(node: ts.Node, source: string): Change[] {
  const change = (kind: string, becomes: string, { at = node }: { at?: ts.Node } = {}): Change => ({
    start: at.getStart(),
    end: at.getEnd(),
    becomes,
    kind,
  });
  const text = (of: ts.Node) => source.slice(of.getStart(), of.getEnd());

  if (ts.isBinaryExpression(node)) return ofOperator(node, text, change);
  if (ts.isIfStatement(node) || ts.isWhileStatement(node)) {
    const fixed = ts.isIfStatement(node) ? ['true', 'false'] : ['false'];
    return fixed.map((becomes) => change('condition', becomes, { at: node.expression }));
  }
  if (ts.isConditionalExpression(node)) {
    return ['true', 'false'].map((becomes) => change('condition', becomes, { at: node.condition }));
  }
  if (ts.isPrefixUnaryExpression(node) && node.operator === K.ExclamationToken) {
    return [change('negation', text(node.operand))];
  }
  if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
    if (node.operator === K.PlusPlusToken) return [change('arithmetic', text(node).replace('++', '--'))];
    if (node.operator === K.MinusToken) return [change('arithmetic', text(node.operand))];
    return [];
  }
  if (node.kind === K.TrueKeyword) return [change('boolean', 'false')];
  if (node.kind === K.FalseKeyword) return [change('boolean', 'true')];
  if (ts.isNumericLiteral(node) || ts.isBigIntLiteral(node)) return ofNumber(node, change);
  if (ts.isStringLiteral(node)) return node.text === '' || isName(node) ? [] : [change('text', "''")];
  if (ts.isArrayLiteralExpression(node) && node.elements.length > 0) return [change('emptied', '[]')];
  if (ts.isSpreadAssignment(node) || ts.isSpreadElement(node)) {
    return [change('emptied', ts.isSpreadAssignment(node) ? '...{}' : '...[]')];
  }
  if (ts.isCallExpression(node)) return ofCall(node, text, change);
  if (ts.isExpressionStatement(node)) return [change('left out', ';')];
  if (ts.isThrowStatement(node)) return [change('guard gone', ';')];
  if (ts.isReturnStatement(node) && node.expression === undefined) return [change('guard gone', ';')];
  return [];
}

const isName = (node: ts.Node): boolean => ts.isPropertyAssignment(node.parent) && node.parent.name === node;

type MakeChange = (kind: string, becomes: string, options?: { at?: ts.Node }) => Change;
type TextOf = (node: ts.Node) => string;

function ofOperator({ operatorToken, left, right }: ts.BinaryExpression, text: TextOf, change: MakeChange) {
  const [kind, ...becomes] = operators[operatorToken.kind] ?? [];
  if (kind === undefined) return [];
  const others = becomes.map((operator) => change(kind, operator, { at: operatorToken }));
  // The fault forgets half of a condition.
  return kind === 'logic' ? [...others, change('half', text(left)), change('half', text(right))] : others;
}

/** Adds one to counts, and doubles measures. */
function ofNumber(node: ts.NumericLiteral | ts.BigIntLiteral, change: MakeChange) {
  if (isName(node)) return [];
  const other = (n: number) => (n <= 100 ? n + 1 : n * 2);
  if (ts.isNumericLiteral(node)) return [change('number', String(other(Number(node.text))))];
  const value = BigInt(node.text.slice(0, -1));
  return [change('number', `${value <= 100n ? value + 1n : value * 2n}n`)];
}

function ofCall(node: ts.CallExpression, text: TextOf, change: MakeChange): Change[] {
  if (!ts.isPropertyAccessExpression(node.expression)) return [];
  const { expression, name } = node.expression;
  const becomes = methods[name.text];
  if (becomes === undefined) return [];
  if (becomes === '') return [change('left out', text(expression))];
  return [change('method', becomes, { at: name })];
}
