import { imageName, imageRefusal, parseImage, type ImagePolicy } from './image.js';

/** An image that many customers start from, by a name for people. */
export interface JobTemplate {
  id: string;
  name: string;
  image: string;
}

const templates: readonly JobTemplate[] = [
  { id: 'pytorch', name: 'PyTorch', image: 'docker.io/pytorch/pytorch:2.9.0-cuda12.8-cudnn9-runtime' },
  { id: 'cuda', name: 'CUDA, development', image: 'docker.io/nvidia/cuda:12.4.1-devel-ubuntu22.04' },
];

/** The templates whose images the site lets customers run. */
export function jobTemplates(policy: ImagePolicy): JobTemplate[] {
  return templates
    .map((template) => ({ template, image: parseImage(template.image) }))
    .filter(({ image }) => imageRefusal(image, policy) === undefined)
    .map(({ template, image }) => ({ ...template, image: imageName(image) }));
}
