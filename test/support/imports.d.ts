export function importedBy(file: string): Map<string, number>;
export function loadsNativePart(file: string): boolean;
export function importsOf(file: string): { files: string[]; packages: string[] };
