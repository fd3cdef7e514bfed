import type { Endpoints } from '../engine.js';

/** Where everything is, while the demo runs on. */
interface Closing {
  endpoints: Endpoints;
  dataDir: string;
  /** What somebody with a browser is told. */
  look: readonly string[];
  /** The command `wl` of this demo. */
  wl: string | undefined;
  /** What to type for test tokens. */
  faucet: string | undefined;
}

/** The last lines of the demo, for terminals of 80 columns; only what its folder is called may make one wider. */
export function closing({ endpoints, dataDir, look, wl, faucet }: Closing): string[] {
  const { api, temporal_ui: ui, chain, chain_id: chainId, guardian } = endpoints;
  return [
    `    console       ${api}/console/`,
    ...look.map((line) => `      ${line}`),
    ...(wl === undefined ? [] : [`    rent          ${wl} offers`, `                  ${wl} up 2x4090 --hours 1`]),
    ...(faucet === undefined ? [] : [`    test tokens   ${faucet}`]),
    ...(chain === undefined ? [] : [`    chain         ${chain}, id ${chainId}`]),
    ...(guardian === undefined ? [] : [`    guardian      ${guardian}/ready`]),
    `    API           ${api}`,
    `    Temporal UI   ${ui}`,
    `    logs          ${dataDir}/logs`,
    `    all addresses ${dataDir}/endpoints.json`,
  ];
}
