import type ts from 'typescript';

export function parse(file: string, source: string): ts.SourceFile;
export function functionsOf(sourceFile: ts.SourceFile): (ts.FunctionLikeDeclaration & { body: ts.Node })[];
export function placeOf(file: string, index: number): string;
export function noting(file: string, source: string): string;
