/** Where the code is that mutants are made of. */
export const mutatedFolders = [
  'src/domain',
  'src/wire',
  'src/api',
  'src/auth',
  'src/billing',
  'src/db',
  'workflows',
  'activities',
];
