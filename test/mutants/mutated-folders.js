/** Where the code is that mutants are made of. */
export const mutatedFolders = ['src/domain', 'src/api', 'src/auth', 'src/db', 'workflows', 'activities'];
