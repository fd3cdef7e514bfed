"""What the description of the API cannot say, for schemathesis."""

import schemathesis

SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl fuzz"


@schemathesis.hook
def map_body(context, body):
    """Puts keys that can be read in the place of texts, which never are. What is wrong with the list stays wrong."""
    keys = body.get("ssh_public_keys") if isinstance(body, dict) else None
    if not isinstance(keys, list):
        return body
    return {**body, "ssh_public_keys": [SSH_KEY if isinstance(key, str) else key for key in keys]}
