import { createRequire } from 'node:module';
import { findOnPath, fromEnvironment, isExecutable, ToolMissing, type Tool } from './tool.js';

/** How the packages name processors, where it differs from Node. */
const processors: Record<string, string> = { x64: 'amd64' };

/**
 * Finds anvil, a chain for development: `ANVIL`, the package that npm installed for this platform, PATH.
 *
 * @throws ToolMissing with what to install.
 */
export function findAnvil(env: NodeJS.ProcessEnv = process.env): Tool {
  const given = fromEnvironment('ANVIL', env);
  if (given !== undefined) return given;
  const packaged = fromPackage();
  if (packaged !== undefined) return { path: packaged, from: 'npm' };
  const path = findOnPath('anvil', env);
  if (path !== undefined) return { path, from: 'PATH' };
  throw new ToolMissing(
    `anvil is needed: \`npm ci\` installs it as an optional dependency for most platforms (not for ${process.platform}-${process.arch}, or it was left out); else install Foundry, or name the program in ANVIL`,
  );
}

/** The program itself: the one that npm links starts it through Node, and would be killed in its place. */
function fromPackage(): string | undefined {
  const name = `@foundry-rs/anvil-${process.platform}-${processors[process.arch] ?? process.arch}`;
  const program = process.platform === 'win32' ? 'anvil.exe' : 'anvil';
  try {
    const path = createRequire(import.meta.url).resolve(`${name}/bin/${program}`);
    return isExecutable(path) ? path : undefined;
  } catch {
    return undefined;
  }
}
