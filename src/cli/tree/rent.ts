import { Option, type Command } from 'commander';
import { adder, type Runner } from './command.js';
import * as values from './values.js';

export function addRentCommands(program: Command, runner: Runner): void {
  const add = adder(program, runner);
  addMarket(add);
  add('ls', 'your jobs', () => import('../commands/ls.js'))
    .option('-a, --all', 'ended ones, too')
    .option('--status <WORDS>', 'only these states, separated by commas', values.words)
    .option('--provider <ID>', 'only at this provider')
    .option('--since <TIME>', 'ordered since then: 2026-11-27, 08:00, 2d', String)
    .option('-w, --watch', 'again and again, until Ctrl-C');
  add('show <job>', 'one job: state, cost, how to log in', () => import('../commands/show.js')).option(
    '--events',
    'all of its events',
  );
  add('logs <job>', 'what it has written', () => import('../commands/logs.js'))
    .option('-f, --follow', 'as it is written, until the job has ended')
    .option('--tail <N>', 'the last lines only (500)', values.wholeNumber)
    .option('--since <TIME>', 'of the last 10m, 2h or 1d', values.duration);
  add('ports <job>', 'where its ports are, and how to reach them encrypted', () => import('../commands/ports.js'));
  add('wait <job>', 'until it runs, or has ended', () => import('../commands/wait.js'))
    .addOption(new Option('--for <state>', 'what to wait for').choices(['running', 'ended']).default('running'))
    .option('--timeout <TIME>', 'at most so long: 15m', values.duration);
  add('ssh <job> [command...]', 'log in; the machine is verified', () => import('../commands/ssh.js'))
    .option('-L, --forward <PORT>', 'forward a port: 8888, or 8888:9999 (repeatable)', values.list)
    .option('-i, --identity <FILE>', 'the private key')
    .option('--print', 'print the command instead');
  add('cp <from> <to>', 'copy files; one side is JOB:path', () => import('../commands/cp.js'))
    .option('-r, --recursive', 'folders, too')
    .option('-i, --identity <FILE>', 'the private key')
    .option('--rsync', 'by rsync, where both sides have it')
    .option('--print', 'print the command instead');
  add('extend <job>', 'rent for longer', () => import('../commands/extend.js'))
    .option('--hours <N>', 'so many hours more', values.positive)
    .option('--until <TIME>', 'to this time: 21:30, 2026-11-27T08:00Z', values.moment)
    .option('--idempotency-key <KEY>', 'a repeat with the same key extends once')
    .option('-y, --yes', 'do not ask');
  add('down [job...]', 'end jobs', () => import('../commands/down.js'))
    .option('--all', 'all that run or start')
    .option('--name <GLOB>', 'those with such a name: train-*')
    .option('--wait <TIME>', 'wait so long for their end', values.duration)
    .option('-y, --yes', 'do not ask');
}

function addMarket(add: ReturnType<typeof adder>): void {
  add('offers [gpu]', 'what is free now, and what it costs', () => import('../commands/offers.js'))
    .option('--count <N>', 'so many GPUs on one machine', values.wholeNumber)
    .option('--vram <GB>', 'GPUs with at least so much memory', values.gigabytes)
    .option('--cuda <VERSION>', 'machines whose driver has at least this CUDA')
    .option('--region <NAME>', 'only there')
    .option('--cpu <N>', 'so many free cores', values.wholeNumber)
    .option('--memory <GB>', 'so much free memory', values.gigabytes)
    .option('--disk <GB>', 'so much free disk', values.gigabytes)
    .option('--max-price <N>', 'at most so many tokens for a GPU and hour', values.amount)
    .option('--reliability <PERCENT>', 'machines that were there so much of the last 30 days', values.amount)
    .option('--provider <ID>', 'only this one')
    .addOption(new Option('--sort <by>', 'the order').choices(['price', 'free', 'reliability']))
    .option('--all', 'full ones, too')
    .option('-w, --watch', 'again and again, until Ctrl-C');
  add('templates', 'what can be rented by a name', () => import('../commands/templates.js'));
  orderFlags(
    add('quote <gpu>', 'what an order would cost, and who would take it', () => import('../commands/quote.js')),
  );
  orderFlags(add('up <gpu>', 'rent, wait for SSH, say how to log in', () => import('../commands/up.js')))
    .option('--registry-auth <NAME>', 'log in to the registry of a private image; the password is asked for')
    .option('--registry-password-file <FILE>', 'its password or token, in a file')
    .option('--timeout <TIME>', 'wait at most so long for SSH: 15m', values.duration)
    .option('--ssh', 'log in at once')
    .option('--detach', 'do not wait')
    .addOption(
      new Option('--on-interrupt <what>', 'what Ctrl-C does while it starts')
        .choices(['ask', 'keep', 'cancel'])
        .default('ask'),
    )
    .option('--idempotency-key <KEY>', 'a repeat with the same key rents once')
    .option('-y, --yes', 'do not ask, whatever it costs')
    .option('--dry-run', 'say what it would cost, and stop');
}

function orderFlags(command: Command): Command {
  return command
    .option('--hours <N>', 'for how long (1)', values.positive)
    .option('--name <NAME>', 'a name of your own: letters, digits and -')
    .option('--image <NAME>', 'the container image')
    .option('--template <ID>', 'image, program and ports by a name: see wl templates')
    .option('--port <PORT>', 'open it: 8888, or 8888:NAME:PROTOCOL (repeatable)', values.ports)
    .option('--cpu <N>', 'processor cores', values.wholeNumber)
    .option('--memory <GB>', 'memory', values.gigabytes)
    .option('--disk <GB>', 'disk', values.gigabytes)
    .option('--env <NAME=VALUE>', 'a variable in the container (repeatable)', values.variables)
    .option('--env-file <FILE>', 'variables, one NAME=VALUE a line')
    .option('--command <LINE>', 'what to run in it, by its shell: "python train.py"')
    .option('--entrypoint', 'run what the image itself would run')
    .option('--workdir <FOLDER>', 'where that starts')
    .addOption(
      new Option('--restart <when>', 'start it again after it has ended').choices(['never', 'on_failure', 'always']),
    )
    .option('--end-with-command', 'the job ends when it does')
    .option('--key <KEY>', 'your public SSH key: a file, or the name of a stored one (repeatable)', values.list)
    .option('--provider <ID>', 'only at this provider')
    .option('--region <NAME>', 'only there')
    .option('--vram <GB>', 'GPUs with at least so much memory', values.gigabytes)
    .option('--cuda <VERSION>', 'machines whose driver has at least this CUDA')
    .option('--max-price <N>', 'at most so many tokens an hour for all of it', values.amount);
}
