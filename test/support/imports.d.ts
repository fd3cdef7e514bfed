export function importedBy(file: string): Map<string, number>;
export function reachesPackage(file: string, names: readonly string[]): boolean;
