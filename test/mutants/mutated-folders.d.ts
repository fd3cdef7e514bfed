export const mutatedFolders: readonly string[];
