import { roles, type ComposeSite } from '../support/compose-site.js';
import { documentedCommands } from '../support/documented-commands.js';
import { until } from '../support/until.js';

/** An upgrade with Compose, the way back and the way forward again: the commands are those of the guides. */
export interface ComposeUpgrade {
  forward(): Promise<void>;
  wayBack(): Promise<void>;
  forwardAgain(): Promise<void>;
  /** The image that each role runs: `before`, `next`, or what else was found. */
  images(): Promise<[string, string][]>;
  /** Whose build of the workflow code is current: for jobs and machines, and for what runs every few seconds. */
  builds(): Promise<string[]>;
  /** How many workflows stay with one build. */
  pinned(): Promise<number>;
}

const nextBuild = 'next';
const inDeploy = (containing: string) => documentedCommands('deploy.md', containing);
const inChanges = (containing: string) => documentedCommands('workflow-changes.md', containing);

/** Prepares the upgrade of a site that runs: the next image has another build of the workflow code. */
export async function upgradeOf(site: ComposeSite): Promise<ComposeUpgrade> {
  const imageId = async () => (await site.engine.docker(['inspect', '-f', '{{.Id}}', 'worldland-broker'])).trim();
  const temporal = (commands: string, variables: Record<string, string> = {}) =>
    site.shell(`${inChanges('temporal() {')}\n${commands}`, variables);
  const currentBuild = async (namespace: string) => {
    const told = await temporal(
      `temporal worker deployment describe --namespace ${namespace} --name broker --output json`,
    );
    return /"currentVersionBuildID": "([^"]+)"/.exec(told)?.[1] ?? told;
  };
  const before = { build: await currentBuild('default'), image: await imageId() };
  const variables = { OLD: before.build, NEW: nextBuild };
  let nextImage = '';
  const rollOut = async () => {
    await site.shell(inDeploy('docker compose build'));
    nextImage = await imageId();
  };
  const pinned = async () => {
    const told = await temporal(inChanges('temporal workflow count --query "ExecutionStatus'));
    return Number(/Total: (\d+)/.exec(told)?.[1]);
  };
  const which = (found: string, old: string, next: string) =>
    found === old ? 'before' : found === next ? 'next' : found;

  return {
    async forward() {
      site.changeImage(`ENV BUILD_ID=${nextBuild}`);
      await site.shell(inDeploy('docker tag worldland-broker broker-before'));
      await rollOut();
    },
    async wayBack() {
      await site.shell(inChanges('--name kept-worker worker'));
      await temporal(inChanges('keep()'), variables);
      await temporal(inChanges('--namespace default-upkeep --deployment-name broker --build-id "$OLD"'), variables);
    },
    async forwardAgain() {
      await temporal(inChanges('"${NEW:?}" --yes'), variables);
      await rollOut();
      await temporal(inChanges('versioning-override-behavior unspecified'), variables);
      await until(async () => (await pinned()) === 0, { timeoutMs: 60_000, name: 'nothing is pinned any more' });
      await site.shell(inChanges('docker rm kept-worker'));
    },
    async images() {
      const all = await site.containers();
      return roles.map((role) => [role, which(all[role]!.Image, before.image, nextImage)]);
    },
    builds: async () =>
      (await Promise.all(['default', 'default-upkeep'].map(currentBuild))).map((found) =>
        which(found, before.build, nextBuild),
      ),
    pinned,
  };
}
