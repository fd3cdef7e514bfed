import { readTemplates, type JobTemplate } from './job-templates.js';

/**
 * The templates of a site whose operator has no file of his own, in the form of that file. Images are named by tags, which
 * the look-up at a registry turns into the digest that runs.
 *
 * Programs run as root without setuid, so images whose entrypoint changes the user are started by their command.
 */
const file = {
  templates: [
    {
      id: 'pytorch',
      name: 'PyTorch',
      description: 'PyTorch with CUDA, for work over SSH. Nothing runs but what you start.',
      image: 'docker.io/pytorch/pytorch:2.9.0-cuda12.8-cudnn9-runtime',
      needs: { min_cuda: '12.8' },
    },
    {
      id: 'cuda',
      name: 'CUDA, development',
      description: 'Ubuntu with the CUDA compiler and headers, for work over SSH.',
      image: 'docker.io/nvidia/cuda:12.4.1-devel-ubuntu22.04',
      needs: { min_cuda: '12.4' },
    },
    {
      id: 'jupyter',
      name: 'Jupyter',
      description: 'JupyterLab with PyTorch. Its page asks for the token of the job, which its URL has.',
      image: 'quay.io/jupyter/pytorch-notebook:cuda12-notebook-7.4.4',
      command: ['jupyter', 'lab', '--ip=0.0.0.0', '--port=8888', '--allow-root', '--no-browser'],
      restart: 'on_failure',
      ports: [{ port: 8888, name: 'jupyter', protocol: 'http' }],
      page: { port: 8888, path: '/lab' },
      token: { variable: 'JUPYTER_TOKEN', used_as: 'query', query: 'token' },
    },
    {
      id: 'comfyui',
      name: 'ComfyUI',
      description:
        'ComfyUI, which fetches itself at the start. It has no access control: reach its page through SSH only.',
      image: 'docker.io/yanwk/comfyui-boot:cu126-slim',
      command: ['bash', '/runner-scripts/entrypoint.sh'],
      restart: 'on_failure',
      // It listens inside of the job only, and no port is opened: whoever reaches it may run what he likes.
      env: { CLI_ARGS: '--listen 127.0.0.1' },
      needs: { min_vram_gb: 8, min_cuda: '12.6' },
      page: { port: 8188, path: '/' },
    },
    {
      id: 'vllm',
      name: 'vLLM',
      description:
        'A model server with the API of OpenAI, reached through SSH only. Name another model, with its options, as args.',
      image: 'docker.io/vllm/vllm-openai:v0.11.0',
      // Its API key does not keep strangers out: some paths need none, and versions before 0.22 can be led past it.
      command: ['vllm', 'serve', '--host', '127.0.0.1', '--port', '8000'],
      args: ['Qwen/Qwen2.5-1.5B-Instruct'],
      restart: 'on_failure',
      needs: { min_vram_gb: 16, min_cuda: '12.8' },
      page: { port: 8000, path: '/v1/models' },
    },
    {
      id: 'code-server',
      name: 'code-server',
      description: 'VS Code in a browser. Its page asks for a password, which is the token of the job.',
      image: 'docker.io/codercom/code-server:4.112.0-noble',
      command: ['code-server', '--bind-addr', '0.0.0.0:8080', '--auth', 'password'],
      args: ['/root'],
      restart: 'on_failure',
      ports: [{ port: 8080, name: 'code', protocol: 'http' }],
      page: { port: 8080, path: '/' },
      token: { variable: 'PASSWORD', used_as: 'password' },
    },
  ],
};

/** @throws Error if one of them is not acceptable, which a test would have found. */
function read(): readonly JobTemplate[] {
  const { templates, problems } = readTemplates(JSON.stringify(file));
  if (problems.length > 0) throw new Error(problems.join('; '));
  return templates;
}

export const shippedTemplates = read();
