import type { ErrorCode } from './error-codes.js';

export interface ErrorHelp {
  /** What has happened, in a sentence or two. */
  means: string;
  /** What to do: several ways or steps. `code` stands between backticks. */
  todo: readonly string[];
}

const orderAgain = 'Order again, with a new `Idempotency-Key`.';
const notPaid = 'A job whose SSH never answered costs nothing.';

/** Why a job does not start, cannot be changed, or has ended. */
export const jobErrorHelp = {
  quote_mismatch: {
    means: 'The order names a quote that is for another order or another wallet, or that this broker did not make.',
    todo: [
      '`errors` names each field that differs. Send the order as it was quoted, or ask for a quote of the new one.',
      'An order may add `job_name`, `image`, `env`, keys and `max_price_per_hour`, and name one of the quoted providers.',
    ],
  },
  quote_expired: {
    means: 'The quote was good until `expires_at`, and the order came later.',
    todo: [
      'Ask for another quote, and compare its price. `valid_seconds` makes one last up to five minutes.',
      'A repeat of an order with its `Idempotency-Key` needs no new quote: it answers the first job.',
    ],
  },
  image_not_found: {
    means: 'The registry of the image was asked, and has no such repository, tag or digest. Nothing was reserved.',
    todo: [
      'Correct `image`: spell it as in `docker pull`, and see whether its tag was pushed or deleted.',
      'Some registries say the same of private images: send `registry_auth`.',
    ],
  },
  image_private: {
    means: 'The registry of the image was asked, and gives it only to a login, or not to the one in `registry_auth`.',
    todo: [
      'Send `registry_auth` with a name and a token that may pull: `wl up --registry-auth NAME`.',
      'If you sent one, check that it is for this registry, has not expired, and may read this repository.',
      'Some registries say the same of images that do not exist: check the spelling.',
    ],
  },
  image_platform: {
    means: 'The image is not made for Linux on the processors that the order is for, or is none for containers.',
    todo: [
      'Build it for `linux/amd64`: `docker build --platform linux/amd64`.',
      'For machines with ARM processors, send `"architecture": "arm64"`.',
    ],
  },
  image_unresolved: {
    means: 'This site runs only images that it could look up, and the registry of this one did not answer properly.',
    todo: ['Order again in a minute. If it stays so, use another registry, or ask the operator of the site.'],
  },
  no_capacity: {
    means: 'Nobody who fits the order has room now.',
    todo: [
      'Look at `free` and `near` in the reply, or at `wl offers`: another type or fewer GPUs may be free.',
      'Loosen the condition that `detail` names: price, memory, region, or a named provider.',
      'Try again later. GPUs become free whenever a job ends.',
    ],
  },
  job_ended: {
    means: 'The job has already ended, so it can be neither extended nor changed.',
    todo: [`${orderAgain} \`wl show JOB\` says how it ended.`],
  },
  job_not_running: {
    means: 'The job is still starting or already ending.',
    todo: ['Wait until it runs, `wl wait JOB`, and try again.'],
  },
  machine_not_asked: {
    means:
      'What a job uses is known to its own machine alone. The broker of this site does not reach the SSH ports of machines, ' +
      'or the SSH server of this job is of an earlier version.',
    todo: ['Ask the machine yourself: `wl top JOB` does, with your own SSH key.'],
  },
  machine_unreachable: {
    means: 'The broker asked the SSH server of the job, and got no answer in time, or none that it can read.',
    todo: [
      'Try again in some seconds.',
      'Ask the machine yourself: `wl top JOB` does, with your own SSH key. If that fails as well, its network is away.',
    ],
  },
  refund_exceeds_charge: {
    means: 'The refund is more than the job cost, less what was refunded of it before; or the job has not ended yet.',
    todo: [
      'Read `charged` and `refunded`: at most their difference can be refunded.',
      'End a job before you refund it.',
    ],
  },
  payout_exceeds_earnings: {
    means: 'The payout is more than the wallet has earned and was not paid yet.',
    todo: [
      'Read `payable`. Was the payout booked before, or is it for another wallet? `GET /api/v1/admin/revenue` tells.',
    ],
  },
  extension_limit: {
    means: 'The job has been extended 1,000 times.',
    todo: [orderAgain, 'Extend by more hours at a time.'],
  },
  ssh_keys_final: {
    means:
      'The keys of the job cannot be changed: an earlier version of the broker started it, or the cluster has lost them.',
    todo: ['Log in with a key that the job has, or order another job with all keys that it needs.'],
  },
  duration_limit: {
    means: 'With these hours, the job would run longer than the site allows.',
    todo: ['Ask for fewer hours. When the job ends, order another one; keep results outside the job until then.'],
  },
  unschedulable: {
    means: 'The cluster cannot place the job on the machine that was chosen, although it said that it had room.',
    todo: [`${orderAgain} The broker prefers other machines for an hour.`, notPaid],
  },
  image_pull_failed: {
    means: 'The machine cannot fetch the container image.',
    todo: [
      'Read `failure_message`: the registry does not have the image, wants a login, or could not be reached.',
      'Check the spelling of image and tag. The image must be public.',
      `${orderAgain} ${notPaid}`,
    ],
  },
  container_not_created: {
    means: 'The image is there, but its container cannot be created: its command, user or folders do not fit.',
    todo: ['Try the image on your own machine, correct it, and order again.', notPaid],
  },
  container_exited: {
    means: 'The program of the image ended by itself with an error.',
    todo: [
      'Read `failure_message` and `suggestion`. Too little memory is the most common reason: order more.',
      'Try the image on your own machine. An image whose program ends at once has nothing to log in to.',
    ],
  },
  storage_exceeded: {
    means: 'The job wrote more than the disk that it ordered, so the machine ended it.',
    todo: ['Order more disk: `recommended_storage` says how much. `wl up … --disk 200`.'],
  },
  pod_deleted: {
    means: 'Somebody with rights in the cluster deleted the job from outside.',
    todo: [`${orderAgain} The time after the deletion is not charged.`, 'Ask the operator of the site why.'],
  },
  pod_refused: {
    means: 'The cluster denied the job: a rule of the site forbids what it would do.',
    todo: ['Read `detail`, change the order, and try again. If it says nothing of use, ask the operator of the site.'],
  },
  no_ports_left: {
    means: 'The cluster has no port left for the SSH of another job.',
    todo: ['Try again later. Operators: widen the range of NodePorts.'],
  },
  start_timeout: {
    means:
      'The job did not become ready in time: a large image over a slow line, or a machine that does not do its work.',
    todo: [`${orderAgain} The broker prefers other machines for an hour.`, 'Use a smaller image.', notPaid],
  },
  ports_unreachable: {
    means:
      'The job was started, and the broker could not reach its SSH port from outside: a firewall, a router or a wrong address.',
    todo: [
      `${orderAgain} The broker prefers other machines for an hour.`,
      notPaid,
      'If the machine is yours: open the NodePorts of the cluster (TCP, 20000 to 32767 unless its operator says otherwise) to the internet, and let `--public-ip` name its address.',
    ],
  },
  provider_lost: {
    means: 'The machine went away while the job ran, or could not go on with it.',
    todo: [`${orderAgain} The time in which the machine was silent is not charged.`, 'Keep results outside the job.'],
  },
  provider_drained: {
    means: 'The owner or the operator takes the machine out of service.',
    todo: [`${orderAgain} It goes to another machine. Only the time until the end is charged.`],
  },
  funds_withdrawn: {
    means:
      'The wallet has asked the vault to give out everything, or the vault does not pay for it any more: nobody would pay for the job.',
    todo: [
      'Only the time until the end is charged. To keep jobs, call `cancelExit` of the vault before `jobs_end_at`, which `GET /api/v1/billing/deposits` names.',
      'To order again, deposit; a wallet that owes pays that first.',
    ],
  },
  allocation_released: {
    means: 'The GPUs of the job were given back before it could begin: it was ended, or moved to another machine.',
    todo: [`Nothing, if you ended it. Otherwise: ${orderAgain.charAt(0).toLowerCase()}${orderAgain.slice(1)}`],
  },
} as const satisfies Partial<Record<ErrorCode, ErrorHelp>>;
