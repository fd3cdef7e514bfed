import type { Middleware } from 'koa';
import type { ZodType } from 'zod';
import type { FieldProblem } from '../../domain/errors.js';
import { plainWords } from '../plain-words.js';
import { fieldProblems, validationFailed } from '../problem.js';
import { queryProblems, singleValues } from '../query-fields.js';
import type { ApiState } from '../route.js';

/** Validates the input with the rule's schemas and replaces it by their output. */
export const validate: Middleware<ApiState> = async (ctx, next) => {
  const { request, anyQuery } = ctx.state.rule!;
  const errors: FieldProblem[] =
    anyQuery === true ? [] : queryProblems(ctx.query, Object.keys(request?.query?.shape ?? {}));
  const check = (schema: ZodType | undefined, value: unknown, prefix: string): unknown => {
    if (schema === undefined) return value;
    const result = schema.safeParse(value, { error: plainWords });
    if (result.success) return result.data;
    errors.push(...fieldProblems(result.error.issues, prefix));
    return undefined;
  };
  ctx.state.params = check(request?.params, ctx.state.params, 'params.') as Record<string, string>;
  ctx.state.query = check(request?.query, singleValues(ctx.query), 'query.');
  check(request?.headers, ctx.headers, 'headers.');
  ctx.state.body = check(request?.body, ctx.state.body, '');
  if (errors.length > 0) throw validationFailed(errors);
  await next();
};
