import { BadPlan, deployVault, planOf, usage } from './deploy-vault.js';

if (process.argv.slice(2).some((word) => /^(?:-h|--help)$/.test(word))) {
  console.log(usage);
  process.exit(0);
}

try {
  const variables = await deployVault(planOf(process.argv.slice(2)), (line) => console.error(line));
  console.error('\nThe vault stands. Set these for the broker, with two nodes of your own choice:\n');
  for (const [name, value] of Object.entries(variables)) console.log(`${name}=${value}`);
} catch (error) {
  // All of the message has the address of the node, whose path may be a credential.
  const { shortMessage } = error as { shortMessage?: string };
  console.error(error instanceof BadPlan ? error.message : (shortMessage ?? (error as Error).message));
  process.exitCode = 1;
}
