import type { Hex } from 'viem';
import type { JobReceipt } from '../../src/wire/job-receipt.js';

const receipt: JobReceipt = {
  audience: 'https://broker.example.com',
  customer: '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266',
  number: 1,
  previous: `0x${'00'.repeat(32)}`,
  jobId: '0b6f7e1e-9f0c-4c58-8a8f-2d1f4f6f5a10',
  revision: 0,
  orderHash: `0x${'22'.repeat(32)}`,
  providerId: 'node-1',
  payee: '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc',
  resources: '{"cpu_cores":4,"gpu_count":1,"gpu_model":"NVIDIA GeForce RTX 4090","memory_mb":16384,"storage_gb":20}',
  ratePerHour: 1_234_567_890_123_456_789n,
  readyAtMs: 1_764_000_000_000,
  servedUntilMs: 1_764_005_400_123,
  gaps: [{ fromMs: 1_764_000_600_000, toMs: 1_764_000_720_500 }],
  billedMs: 5_279_623,
  reserved: 2_469_135_780_246_913_578n,
  charged: 1_810_570_285_488_132_028n,
  feeBps: 500,
  fee: 90_528_514_274_406_601n,
  earned: 1_720_041_771_213_725_427n,
  outcome: 'cancelled',
  issuedAtMs: 1_764_005_402_123,
};

/** The published receipt, which every program that makes or checks receipts is tested with. */
export const receiptVector = {
  receipt,
  chainId: 103,
  digest: '0x4c5d3771e3f346b42688c4fed0569fda6a37ea6ca64e3b117b87808623339e20' as Hex,
  signature:
    '0x16c8cfdb9d9fe2ca6ebd887f17ce2e984bd03993bc5530570e7c8b090e1e482955c7e540157ab46e6f089b63e87e89f7a7a25fdc3f6f110e41ba6b2794d30baa1b' as Hex,
  signer: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8' as Hex,
};
