export const mutantVariable: string;
export function mutated(source: string, file: string): string;
