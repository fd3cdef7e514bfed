import { z } from 'zod';
import { readGpuDefaultPrices } from '../domain/gpu-prices.js';
import { bool, flag, list, whole } from './values.js';

export const jobVariables = {
  /** The image of a job that names none. */
  JOB_DEFAULT_IMAGE: z.string().default('docker.io/nvidia/cuda:12.4.1-base-ubuntu22.04'),
  /** The image whose static SSH server is copied into every job's pod. Machines pull it, so it must be public to them. */
  SSH_SERVER_IMAGE: z.string().default('ghcr.io/worldland/ssh-server:1'),
  /**
   * Whether a job whose image is named by a tag asks the registry although the machine has an image of that name. `Always` runs
   * what was pushed last, and only for those to whom the registry gives it, at one request a job. With `IfNotPresent`
   * jobs start while the registry is away, from whatever the machine had first under that name. Images named by a digest
   * never change and are not asked for again.
   */
  JOB_IMAGE_PULL_POLICY: z.enum(['Always', 'IfNotPresent']).default('Always'),
  /** Images that customers may run: `registry/repository`, with `*` at the end of a part. Empty: any image. */
  IMAGE_ALLOWLIST: list,
  /** Whether an order must name its image by a digest. */
  IMAGE_REQUIRE_DIGEST: flag(false),
  /** Shortest duration of an order. Above `JOB_MAX_DURATION_S` no order is accepted. */
  JOB_MIN_DURATION_S: whole(60, 1, 86_400),
  /** Longest duration of an order, extensions included; also the longest deadline of a drain. */
  JOB_MAX_DURATION_S: whole(30 * 86_400, 60, 365 * 86_400),
  /**
   * How long a job may take from its order to SSH, on all machines it tries. An image of 20 GB on a slow line needs minutes:
   * short makes such jobs fail, long keeps customers waiting for machines that will not start them.
   */
  JOB_START_TIMEOUT_S: whole(900, 5, 7_200),
  /**
   * How long Kubernetes may find no place for a pod, or fail to pull an image, before the start is given up. Short gives up
   * what was only slow; long keeps customers waiting for what will not come.
   */
  JOB_STUCK_GRACE_S: whole(30, 1, 3_600),
  /** How long `POST /api/v1/jobs` waits for SSH when the client does not say (`Prefer: wait=N`). 0: not at all. */
  JOB_WAIT_DEFAULT_S: whole(20, 0, 60),

  /**
   * Jobs of one wallet at the same time; also the quota of its namespace in the cluster. Too high lets one wallet take the
   * fleet, too low refuses orders that somebody would pay for.
   */
  MAX_JOBS_PER_WALLET: whole(100, 1, 100_000),
  /** GPUs of one wallet at the same time; also the quota of its namespace. The same holds. */
  MAX_GPUS_PER_WALLET: whole(256, 1, 100_000),
  /**
   * Jobs of one wallet that were ordered and cannot be reached yet: they hold a machine, and nobody pays for it. Too high lets
   * one wallet hold the fleet for nothing; too low refuses customers who start many jobs at once.
   */
  MAX_STARTING_JOBS_PER_WALLET: whole(5, 1, 100_000),
  /**
   * Starts within an hour that a wallet gives up, or that fail by its image or program, before further orders are refused for
   * the rest of the hour. Starts that fail by a provider never count. Too high lets a wallet hold machines without paying;
   * too low punishes a typing error in the name of an image.
   */
  MAX_UNREADY_STARTS_PER_HOUR: whole(3, 1, 100_000),

  /**
   * Prices per hour of GPUs whose providers name none: `RTX 4090=0.4,A100=1.2,*=0.1`. A name stands for its family too (A100
   * for an A100-SXM4-80GB) unless a longer one fits; `*` is any other. Agents write 0 for a price that was never set, so a
   * price of 0 counts as none.
   */
  GPU_DEFAULT_PRICES: list
    .transform((entries, context) => {
      const { prices, problems } = readGpuDefaultPrices(entries);
      for (const problem of problems) context.addIssue(problem);
      return prices;
    })
    .describe('list of NAME=PRICE, separated by commas'),
  /** Whether jobs that cost nothing are placed. Unset: not where `NODE_ENV` is `production`. */
  ALLOW_FREE_JOBS: bool.optional(),
};

export const miningVariables = {
  /** Images that idle GPUs may mine with, written like `IMAGE_ALLOWLIST`. Empty: nobody mines. */
  MINING_IMAGE_ALLOWLIST: list,
  /**
   * Disk in GB that one miner may write, the chain's data above all. A miner that writes more is evicted and begins anew with
   * an empty directory.
   */
  MINING_STORAGE_GB: whole(50, 1, 10_000),
};
