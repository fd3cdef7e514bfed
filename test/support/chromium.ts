import type { describe as Describe } from '@jest/globals';
import { chromium, type Browser, type Page } from 'playwright-core';
import { findChromium } from '../../engines/tools/chromium.js';
import { ToolMissing, type Tool } from '../../engines/tools/tool.js';

export type { Browser, BrowserContext, Locator, Page } from 'playwright-core';

/** For a set-up that starts a browser on a busy machine. */
export const browserStartsWithinMs = 180_000;

/** Found, or fetched, once for each file of tests. */
const found: Promise<Tool | ToolMissing> = findChromium((line) => void process.stderr.write(`  ${line}\n`)).catch(
  (error: unknown) => {
    if (error instanceof ToolMissing) return error;
    throw error;
  },
);

/**
 * `describe` where there is Chromium or the distribution has a package of it. Elsewhere the tests are skipped and the
 * run says why.
 */
export async function describeWithChromium(): Promise<typeof Describe | typeof Describe.skip> {
  // Benchmarks drive a browser, too, and jest's parts are there in its tests alone.
  const { describe } = await import('@jest/globals');
  const tool = await found;
  if (!(tool instanceof ToolMissing)) return describe;
  console.warn(`skipped: ${tool.message}`);
  return describe.skip;
}

/** A browser without a window, told what to do over a pipe: nothing listens on a port. */
export async function startChromium(args: string[] = []): Promise<Browser> {
  const tool = await found;
  if (tool instanceof ToolMissing) throw tool;
  return await chromium.launch({
    executablePath: tool.path,
    // The tests run as root in containers, where the sandbox cannot be had; the pages are the broker's own.
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', ...args],
    env: { ...(process.env as Record<string, string>), ...tool.env },
    timeout: browserStartsWithinMs,
    // An end of the tests is the runner's to decide about.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
}

/** Everything that a page asked for, and everything that its browser complains about. */
export interface Seen {
  urls: string[];
  complaints: string[];
}

/** Notes what a page does from now on. */
export function watch(page: Page): Seen {
  const seen: Seen = { urls: [], complaints: [] };
  page.on('request', (request) => void seen.urls.push(request.url()));
  page.on('console', (message) => void seen.complaints.push(`${message.text()} (${message.location().url})`));
  page.on('pageerror', (error) => void seen.complaints.push(error.message));
  return seen;
}
