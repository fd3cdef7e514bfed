import { BadPlan, deployVault, planOf } from './deploy-vault.js';

try {
  const variables = await deployVault(planOf(process.argv.slice(2)), (line) => console.error(line));
  console.error('\nThe vault stands. Set these for the broker, with two nodes of your own choice:\n');
  for (const [name, value] of Object.entries(variables)) console.log(`${name}=${value}`);
} catch (error) {
  // What a node says may name the whole address of another one, and nothing else is secret here.
  console.error(error instanceof BadPlan ? error.message : String(error));
  process.exitCode = 1;
}
