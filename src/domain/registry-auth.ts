import { z } from 'zod';

/** A login at the registry of a private image. */
export interface RegistryAuth {
  username: string;
  password: string;
}

const maxUsername = 255;
/** Tokens of cloud registries, such as those of ECR and Google, have 2 to 4 KiB. */
const maxPassword = 8 * 1024;

/**
 * `registry_auth` of an order. Its values are repeated in no message. A name with a colon, or with characters that no
 * header can hold, could not be sent to a registry.
 */
export const registryAuthSchema: z.ZodType<RegistryAuth> = z.strictObject({
  username: z
    .string({ error: 'required: the name to log in to the registry with' })
    .min(1, 'must not be empty')
    .max(maxUsername, `must have at most ${maxUsername} characters`)
    .regex(/^[\x20-\x39\x3b-\x7e]*$/, 'must be printable ASCII characters without a colon'),
  password: z
    .string({ error: 'required: a password or token of the registry' })
    .min(1, 'must not be empty')
    .max(maxPassword, `must have at most ${maxPassword} characters`)
    .regex(/^[\x20-\x7e]*$/, 'must be printable ASCII characters'),
});

/** A field of orders only: nobody runs a quote. */
export function loginOf(body: { image?: unknown; registry_auth?: RegistryAuth | undefined }): {
  registryAuth?: RegistryAuth;
} {
  return body.registry_auth === undefined ? {} : { registryAuth: body.registry_auth };
}
