import { z } from 'zod';
import { readGpuDefaultPrices } from '../domain/gpu-prices.js';
import { readMirrors } from '../domain/registry-mirrors.js';
import { readTemplates } from '../domain/job-templates.js';
import { readPrice } from '../domain/pricing.js';
import { shippedTemplates } from '../domain/shipped-templates.js';
import { bool, certificates, flag, list, whole } from './values.js';

export const jobVariables = {
  /** The image of a job that names none. */
  JOB_DEFAULT_IMAGE: z.string().default('docker.io/nvidia/cuda:12.4.1-base-ubuntu22.04'),
  /** The image whose static SSH server is copied into every job's pod. Machines pull it, so it must be public to them. */
  SSH_SERVER_IMAGE: z.string().default('ghcr.io/worldland/ssh-server:1'),
  /**
   * Whether a job asks the registry for an image that the broker did not resolve, even if the machine has one of that name. `Always` runs the
   * last pushed image, and only for customers to whom the registry gives it, at one request a job. With `IfNotPresent`,
   * jobs start without the registry, from whatever image the machine first had under that name, also where another
   * customer's login brought it there. Images that the broker resolved are pulled only once, because the registry gave
   * them to the customer: see `IMAGE_RESOLVE`.
   */
  JOB_IMAGE_PULL_POLICY: z.enum(['Always', 'IfNotPresent']).default('Always'),
  /**
   * Whether the broker looks at the SSH port of every job before its customer is let in, and compares the host key; later
   * it asks the job there what it uses. Set it where workers and API processes reach the NodePorts of all machines, once
   * `SSH_SERVER_IMAGE` is of this version: where workers do not reach them, or with an older image, no job would start. A
   * port that does not answer in time, or answers with another key, is the provider's fault: the job starts elsewhere,
   * and nobody pays. Off, a job counts as running when the machine says so, three seconds after its start.
   */
  SSH_PROBE: flag(false),
  /** Seconds that a port has to answer. Short blames machines for slow lines; long keeps customers waiting for nothing. */
  SSH_PROBE_TIMEOUT_S: whole(60, 1, 75),
  /** Images that customers may run: `registry/repository`, with `*` at the end of a part. Empty: any image. */
  IMAGE_ALLOWLIST: list,
  /** Whether an order must name its image by a digest. */
  IMAGE_REQUIRE_DIGEST: flag(false),
  /**
   * Whether the broker asks an image's registry about it before it takes the order. An image that is not there, private or
   * for other machines is then refused in a second, and what runs is the digest that its tag had. `when_reachable` takes
   * an order whose registry does not answer, as `off` takes all; `required` refuses it, so that an outage of a registry, or
   * its limit for your address, stops orders.
   */
  IMAGE_RESOLVE: z.enum(['required', 'when_reachable', 'off']).default('when_reachable'),
  /**
   * Milliseconds that an order waits for its image's registry. Short leaves images of far registries unresolved at their
   * first order; long lets a registry that hangs hold orders up.
   */
  IMAGE_RESOLVE_TIMEOUT_MS: whole(2_000, 100, 10_000),
  /**
   * Registries of your own that are asked without TLS, `HOST:PORT` as in the images; they may be at private addresses.
   * `IMAGE_ALLOWLIST` must name them, too. Whoever is on the way reads logins that customers send there.
   */
  IMAGE_PLAIN_REGISTRIES: list,
  /**
   * Authorities of your own registries' certificates, beside those that everybody trusts. They are believed only for
   * registries that `IMAGE_ALLOWLIST` spells out, and for `IMAGE_REGISTRY_MIRRORS`; your machines need them, too.
   */
  IMAGE_REGISTRY_CA: certificates,
  /**
   * Where images of some registries are looked up instead: `docker.io=https://mirror.example.com`. A mirror may be at a
   * private address, and with `http://` without TLS. An order with a login asks the registry itself. Machines pull from
   * wherever their owners say. A mirror that is behind has orders run an older image, or refuses one that was just pushed.
   */
  IMAGE_REGISTRY_MIRRORS: list
    .transform((entries, context) => {
      const { mirrors, problems } = readMirrors(entries);
      for (const problem of problems) context.addIssue(problem);
      return mirrors;
    })
    .describe('list of REGISTRY=URL, separated by commas'),
  /** Shortest duration of an order. Above `JOB_MAX_DURATION_S` no order is accepted. */
  JOB_MIN_DURATION_S: whole(60, 1, 86_400),
  /**
   * Longest duration of an order, extensions included; also the longest deadline of a drain. On sites whose customers pay
   * on a chain a job is paid for at its end, so there it is 7 days at most, whatever is set here.
   */
  JOB_MAX_DURATION_S: whole(30 * 86_400, 60, 365 * 86_400),
  /**
   * How long a job may take from its order to SSH, on all machines it tries. An image of 20 GB on a slow line needs
   * minutes: short makes such jobs fail, long keeps customers waiting for machines that will not start them.
   */
  JOB_START_TIMEOUT_S: whole(900, 5, 7_200),
  /**
   * How long Kubernetes may fail to schedule a pod or to pull its image before the broker gives up the start. Short
   * gives up starts that are only slow; long keeps customers waiting for starts that will fail.
   */
  JOB_STUCK_GRACE_S: whole(30, 1, 3_600),
  /** How long `POST /api/v1/jobs` waits for SSH when the client does not say (`Prefer: wait=N`). 0: not at all. */
  JOB_WAIT_DEFAULT_S: whole(20, 0, 60),

  /**
   * Jobs of one wallet at the same time; also the quota of its namespace in the cluster. Too high lets one wallet take
   * the whole fleet; too low refuses orders of paying customers.
   */
  MAX_JOBS_PER_WALLET: whole(100, 1, 100_000),
  /** GPUs of one wallet at the same time; also the quota of its namespace. The same trade-off applies. */
  MAX_GPUS_PER_WALLET: whole(256, 1, 100_000),
  /**
   * Jobs of one wallet that are not ready yet: they hold machines, and nobody pays for them. Too high lets one wallet
   * hold the fleet for nothing; too low refuses customers who start many jobs at once.
   */
  MAX_STARTING_JOBS_PER_WALLET: whole(5, 1, 100_000),
  /**
   * Starts in an hour that a wallet cancels, that fail because of its image or program, or whose ports are not reached
   * or that are not ready in time, before the broker refuses its orders for the rest of the hour. A start in which the
   * machine did not get as far as the image never counts. Too high lets a wallet hold machines without paying; too low
   * punishes a typing error in the name of an image.
   */
  MAX_UNREADY_STARTS_PER_HOUR: whole(3, 1, 100_000),

  /**
   * What customers may order by a name: JSON, `{"templates": [...]}`, best mounted as a file (`JOB_TEMPLATES_FILE`). It
   * takes the place of the templates that the broker brings. One entry that is wrong keeps the API from starting. See
   * docs/operate.md for its fields.
   */
  JOB_TEMPLATES: z
    .string()
    .optional()
    .transform((text, context) => {
      if (text === undefined) return shippedTemplates;
      const { templates, problems } = readTemplates(text);
      for (const problem of problems) context.addIssue(problem);
      return templates;
    })
    .describe('templates, JSON'),
  /**
   * Ports that a job may open for nothing, besides SSH. High lets customers take the cluster's ports for nothing; 0 makes
   * a web page of a job cost something.
   */
  JOB_FREE_PORTS: whole(2, 0, 10),
  /**
   * Token units per hour of each further port, up to ten a job. It is fixed when a job is ordered, and is a part of the
   * job's price like its GPUs: the machine's owner has it, less the fee.
   */
  JOB_PORT_PRICE_PER_HOUR: z
    .string()
    .default('0.002')
    .refine((text) => readPrice(text) !== undefined, 'must be a price such as 0.002')
    .describe('a price'),
  /**
   * Ports of one wallet at the same time, besides SSH. Too high lets one wallet take the ports of the whole cluster; too
   * low refuses orders of paying customers. 0: no job opens ports.
   */
  MAX_PORTS_PER_WALLET: whole(100, 0, 100_000),
  /**
   * How many node ports the cluster has for jobs: the size of its `service-node-port-range`, less what others use there.
   * Each job takes one for SSH, and one for each port that it opens. Too high makes starts fail that find no port; too
   * low refuses orders although ports are free.
   */
  CLUSTER_NODE_PORTS: whole(12_768, 1, 65_535),

  /**
   * Prices per hour of GPUs whose providers set none: `RTX 4090=0.4,A100=1.2,*=0.1`. A name also covers its family
   * (A100 covers A100-SXM4-80GB) unless a longer name fits; `*` covers all others. Agents send 0 for a price that was
   * never set, so a price of 0 counts as none.
   */
  GPU_DEFAULT_PRICES: list
    .transform((entries, context) => {
      const { prices, problems } = readGpuDefaultPrices(entries);
      for (const problem of problems) context.addIssue(problem);
      return prices;
    })
    .describe('list of NAME=PRICE, separated by commas'),
  /**
   * The platform's share of what a job costs, in hundredths of a percent: 500 is 5 %. It is frozen with the rate when a
   * job is placed, and customers pay the same whatever it is; the rest is the provider's. 0, so that an upgrade takes
   * nothing from anybody until the operator says so; above 1,000, a tenth, the broker does not start.
   */
  FEE_BPS: whole(0, 0, 1_000),
  /** Whether the broker places jobs that cost nothing. Unset: yes, except where `NODE_ENV` is `production`. */
  ALLOW_FREE_JOBS: bool.optional(),
};

export const miningVariables = {
  /** Images that idle GPUs may mine with, written like `IMAGE_ALLOWLIST`. Empty: nobody mines. */
  MINING_IMAGE_ALLOWLIST: list,
  /**
   * Disk in GB that one miner may use, mainly for the chain's data. A miner that uses more is evicted and starts again
   * with an empty directory.
   */
  MINING_STORAGE_GB: whole(50, 1, 10_000),
};
