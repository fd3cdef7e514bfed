/** A GPU's name without its maker: `NVIDIA GeForce RTX 4090` is `RTX 4090`. */
export function gpuText(model: string | undefined, type?: string): string {
  const name = (model ?? type ?? '').replace(/^(?:(?:NVIDIA|AMD|Intel|GeForce|Radeon|Instinct|Tesla|Quadro)\s+)+/i, '');
  return name === '' ? 'GPU' : name;
}

/** `2 × RTX 4090`, or what a job without GPUs has. */
export function gpusText(count: number, model: string | undefined, type?: string): string {
  return count === 0 ? 'no GPU' : `${count} × ${gpuText(model, type)}`;
}
