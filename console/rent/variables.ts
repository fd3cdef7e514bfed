/** A variable of the environment of a job, as it is typed. */
export interface Variable {
  /** Tells rows apart; says nothing. */
  id: number;
  name: string;
  value: string;
}

const namePattern = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const mostVariables = 32;

/** Whether a variable looks as if its value were nobody else's business: it is then hidden on the screen. */
export function looksSecret({ name, value }: Pick<Variable, 'name' | 'value'>): boolean {
  const byName = /(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|PWD|PASS|KEY|APIKEY|CREDENTIALS?|AUTH|DSN)(?:_|$)/i;
  const byValue = /^(?:hf_|sk-|ghp_|github_pat_|glpat-|xox[abp]-|AKIA|eyJ)[A-Za-z0-9._-]{8,}|PRIVATE KEY/;
  return byName.test(name) || byValue.test(value) || /:\/\/[^/\s:]+:[^/\s@]+@/.test(value);
}

/** Lines of a `.env` file as variables; undefined if the text is not one, so that a value with a newline stays a value. */
export function readEnvLines(text: string): { name: string; value: string }[] | undefined {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.length === 0) return undefined;
  const read = lines.map((line) => /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]{0,63})\s*=\s*(.*)$/.exec(line));
  if (read.some((parts) => parts === null)) return undefined;
  return read.map((parts) => ({ name: parts![1]!, value: unquoted(parts![2]!) }));
}

function unquoted(value: string): string {
  const quote = value[0];
  const isQuoted = (quote === '"' || quote === "'") && value.length > 1 && value.endsWith(quote);
  return isQuoted ? value.slice(1, -1) : value;
}

/** The variables of an order; rows that nobody filled in are left out. */
export function environmentOf(variables: readonly Variable[]): Record<string, string> {
  return Object.fromEntries(variables.filter(isUsed).map(({ name, value }) => [name.trim(), value]));
}

const isUsed = ({ name, value }: Variable) => name.trim() !== '' || value !== '';

/** What is wrong with variables, by the id of their row. Values are not repeated: they may be secrets. */
export function variableProblems(variables: readonly Variable[]): Map<number, string> {
  const problems = new Map<number, string>();
  const names = new Set<string>();
  const used = variables.filter(isUsed);
  used.forEach(({ id, name: typed }, index) => {
    const name = typed.trim();
    if (name === '') problems.set(id, 'This value has no name.');
    else if (!namePattern.test(name))
      problems.set(id, 'A name has letters, digits and _, and begins with none of the digits.');
    else if (names.has(name)) problems.set(id, `There are two of ${name}.`);
    else if (index >= mostVariables) problems.set(id, `${mostVariables} variables are the most.`);
    names.add(name);
  });
  return problems;
}
