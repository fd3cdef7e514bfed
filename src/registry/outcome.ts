import type { ResolvedImage } from '../domain/resolved-image.js';

/** Why a registry said nothing that can be believed. For logs and counts; customers hear the same of all of them. */
export type Silence =
  // The broker did not ask.
  | 'busy'
  | 'limited'
  | 'resting'
  // The registry did not answer.
  | 'closed'
  | 'unreachable'
  | 'untrusted'
  | 'late'
  // It answered something else.
  | 'failing'
  | 'nonsense';

/** No answer about the image, for whatever reason. Its message is for operators. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';

  constructor(
    readonly silence: Silence,
    message: string,
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

/** Codes of the registry's own refusals. */
export type ImageRefusal = 'image_not_found' | 'image_private' | 'image_platform';

/** The registry's own word that this image cannot be had, or not run. Its message follows the image's name. */
export class Refused extends Error {
  override readonly name = 'Refused';

  constructor(
    readonly code: ImageRefusal,
    message: string,
  ) {
    super(message);
  }
}

export type Resolution =
  | { kind: 'resolved'; image: ResolvedImage; cached: boolean }
  | { kind: 'refused'; code: ImageRefusal; message: string }
  | { kind: 'unknown'; silence: Silence; message: string };
