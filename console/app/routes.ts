import type { ComponentType } from 'preact';
import type { PageProps } from './router.js';

export interface Route {
  /** Below `/console`. */
  path: string;
  /** The folder, whose style sheet comes with it. */
  folder: string;
  /** Other folders, of which it shows something with their styles. */
  also?: readonly string[];
  load(): Promise<{ default: ComponentType<PageProps> }>;
}

/** Every page. To add one: its folder with `<folder>-page.tsx`, whose default export is the component, and a line here. */
export const routes: readonly Route[] = [
  { path: '/', folder: 'market', load: () => import('../market/market-page.js') },
  { path: '/rent', folder: 'rent', load: () => import('../rent/rent-page.js') },
  { path: '/jobs', folder: 'jobs', load: () => import('../jobs/jobs-page.js') },
  { path: '/jobs/:id', folder: 'jobs', load: () => import('../jobs/job-page.js') },
  { path: '/jobs/:id/receipt', folder: 'receipts', load: () => import('../receipts/receipt-of-job-page.js') },
  { path: '/cost', folder: 'cost', also: ['receipts'], load: () => import('../cost/cost-page.js') },
  { path: '/receipts/:digest', folder: 'receipts', load: () => import('../receipts/receipt-page.js') },
  {
    ...{ path: '/deposits', folder: 'deposits', also: ['chain', 'cost'] },
    load: () => import('../deposits/deposits-page.js'),
  },
  {
    ...{ path: '/settlements', folder: 'deposits', also: ['chain'] },
    load: () => import('../settlements/settlements-page.js'),
  },
  {
    ...{ path: '/settlements/:number', folder: 'deposits', also: ['chain', 'receipts'] },
    load: () => import('../settlements/settlement-page.js'),
  },
  { path: '/account', folder: 'account', also: ['cost'], load: () => import('../account/account-page.js') },
  {
    ...{ path: '/provider', folder: 'machines', also: ['receipts', 'chain'] },
    load: () => import('../machines/machines-page.js'),
  },
  {
    ...{ path: '/provider/receipts/:digest', folder: 'receipts' },
    load: () => import('../receipts/earned-receipt-page.js'),
  },
  { path: '/provider/:id', folder: 'machines', load: () => import('../machines/machine-page.js') },
  {
    path: '/operator',
    folder: 'operator',
    also: ['receipts', 'cost'],
    load: () => import('../operator/operator-page.js'),
  },
];
