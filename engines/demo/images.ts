import type { ShownImage } from '../registry.js';

/** The simulated kubelet does not find it, although its registry says that it is there: see kwok-stages.yaml. */
export const imageThatNeverComes = 'docker.io/example/does-not-exist:1';

/** What the demo's registry has: the default image, those of the templates, and a few that people try. */
export const demoImages: readonly ShownImage[] = [
  {
    name: 'docker.io/nvidia/cuda:12.4.1-base-ubuntu22.04',
    sizeMb: 88,
    entrypoint: ['/opt/nvidia/nvidia_entrypoint.sh'],
    command: ['/bin/bash'],
    env: { CUDA_VERSION: '12.4.1' },
  },
  {
    name: 'docker.io/nvidia/cuda:12.4.1-devel-ubuntu22.04',
    sizeMb: 3_900,
    entrypoint: ['/opt/nvidia/nvidia_entrypoint.sh'],
    command: ['/bin/bash'],
    env: { CUDA_VERSION: '12.4.1' },
  },
  { name: 'docker.io/pytorch/pytorch:2.9.0-cuda12.8-cudnn9-runtime', sizeMb: 3_700, command: ['/bin/bash'] },
  {
    name: 'docker.io/yanwk/comfyui-boot:cu126-slim',
    sizeMb: 4_600,
    command: ['bash', '/runner-scripts/entrypoint.sh'],
  },
  { name: 'docker.io/vllm/vllm-openai:v0.11.0', sizeMb: 9_600, entrypoint: ['vllm', 'serve'] },
  {
    name: 'docker.io/codercom/code-server:4.112.0-noble',
    sizeMb: 310,
    entrypoint: ['/usr/bin/entrypoint.sh', '--bind-addr', '0.0.0.0:8080', '.'],
  },
  {
    name: 'quay.io/jupyter/pytorch-notebook:cuda12-notebook-7.4.4',
    sizeMb: 4_300,
    entrypoint: ['tini', '-g', '--', 'start.sh'],
    command: ['start-notebook.py'],
  },
  { name: 'docker.io/library/ubuntu:24.04', sizeMb: 30, command: ['/bin/bash'] },
  { name: 'docker.io/library/debian:12', sizeMb: 48, command: ['bash'] },
  { name: imageThatNeverComes, sizeMb: 1 },
];
