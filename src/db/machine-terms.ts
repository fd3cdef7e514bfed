/** On what terms a provider offers its machine, besides the price of its GPUs. */
export interface MachineTerms {
  cpuPricePerHour: number;
  memoryPricePerGbHour: number;
  storagePricePerGbHour: number;
  /** When its owner offers it; absent is no bound. */
  availableFrom?: Date;
  availableUntil?: Date;
  /** Out of placement until then, for the starts that it failed; `outReason` is the last of them: an error code, or words. */
  outUntil?: Date;
  outReason?: string;
}

export interface MachineTermsRow {
  cpu_price: number;
  memory_price: number;
  storage_price: number;
  available_from: Date | null;
  available_until: Date | null;
  out_until: Date | null;
  out_reason: string | null;
}

/** The columns of a provider `p` with its starts `s`. */
export const machineTermsSql = `
         p.cpu_price_per_hour::float8 as cpu_price, p.memory_price_per_gb_hour::float8 as memory_price,
         p.storage_price_per_gb_hour::float8 as storage_price,
         p.available_from, p.available_until, s.out_until, s.out_reason`;

export function machineTermsOf(row: MachineTermsRow): MachineTerms {
  return {
    cpuPricePerHour: row.cpu_price,
    memoryPricePerGbHour: row.memory_price,
    storagePricePerGbHour: row.storage_price,
    ...(row.available_from === null ? {} : { availableFrom: row.available_from }),
    ...(row.available_until === null ? {} : { availableUntil: row.available_until }),
    ...(row.out_until === null ? {} : { outUntil: row.out_until }),
    ...(row.out_reason === null ? {} : { outReason: row.out_reason }),
  };
}
