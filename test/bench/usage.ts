export const usage = `Usage: npm run bench -- [NAME …] [options]

Measures the broker against its targets: NAME is heartbeats, registrations, storm, jobs, streams, reads, console,
fleet, settlement, scale or login; all of them but login, which needs root, in twenty minutes, unless named. Client,
broker and all engines share this machine, so let nothing else run on it.

  --beside URL     the provider list of another server, to read in turns with ours
  --before DIR     a checkout of an earlier version, built, whose jobs, storm or statements are measured in turns
  --nodes N        machines of fleet (default 1000)
  --fleet-jobs N   jobs of fleet (default 5000)
  --logins N       logins of login (default 15)
  --write FILE     also writes the table to a file, and keeps the file's sections
  --help           show this text
`;
