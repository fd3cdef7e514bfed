import { examine } from './doctor/examine.js';
import { thisHost } from './doctor/host.js';
import { findingsJson, hasFailure, reportOf } from './doctor/report.js';
import { situationOf } from './first-look.js';
import type { Options } from './options.js';
import type { Say } from './say.js';

/**
 * Prints what is right and wrong with this machine, and what to type about it.
 *
 * @returns true when nothing has to be mended.
 */
export async function doctor(options: Options, { print }: { print: Say }): Promise<boolean> {
  const findings = await examine(thisHost, await situationOf(options));
  print(options.json ? JSON.stringify(findingsJson(findings, thisHost.isRoot), null, 2) : reportOf(findings));
  return !hasFailure(findings);
}
