export const usage = `Usage: npm run bench -- [NAME …] [options]

Measures the broker against its targets: NAME is heartbeats, registrations, jobs, streams, reads, console, fleet or
settlement; all of them, in a quarter of an hour, unless named. Client, broker and all engines share this machine, so let
nothing else run on it.

  --beside URL     the provider list of another server, to read in turns with ours
  --before DIR     a checkout of an earlier version, built, whose jobs are measured in turns with ours
  --nodes N        machines of fleet (default 1000)
  --fleet-jobs N   jobs of fleet (default 5000)
  --write FILE     also writes the table to a file, and keeps the file's sections
  --help           show this text
`;
