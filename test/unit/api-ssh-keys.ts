/** Public keys made by ssh-keygen for these tests; nobody holds their private halves. */
export const sshKeys = {
  ed25519: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKkV1Jo/5wg1Edr1KG1Hig9tKsQZKo7ESgobk5NRGMzX me@laptop',
  ecdsa256:
    'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBDTZN2NLC3UTnD2Y/VtvLjYeHEtn' +
    'EbEVug6IVm0c0GxICGkopchStj3ubnZzz9UHVShhIXxEGTZ3GQxYgqjKjwA= me@laptop',
  ecdsa384:
    'ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBC7TS1PFFloLhg2S7Tubczoml2hZ' +
    'tMsMCHsaZrA11LyP3N1NZ+FgBb4OGIo5wKtR8VBoSOeGqXZrk1ips2gXrRm8x/Qjl9b0LR+KIqwKOgvEXLDfKgkikyFZmRNu8vk6' +
    'gw== me@laptop',
  ecdsa521:
    'ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAGhUgUB/VivXAurugU9YFfU+LV7' +
    'KhwQ+Lh3KpfKzb6TW5QN9mgetmqgKRmxyjv6nFBtMFRgUiyjHM3EINIeErGGRgA0OUuKqnPJDIa8/0Rg5IHS/xNq5CITV/qShnQs' +
    'z6Ut5ah1umePs30sO3VwNUHrsDyYbaPuUy6Zk+azwDuJwWY7aw== me@laptop',
  rsa2048:
    'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDFXDqihQ2GFgHsgzRqtBUavuTkHY9jc/lEJEWuoM/G0n9ceE/d9KdPxAd6p+rE' +
    'LmVL/Gvikro+oBxYiTkRrD06S7Hv5TQUbDAV+JRUSITNgTK3xjvprHe8CllOdmFatPABWSkfnKToNtZSR/EzCVjOxPcaQ3IGVptL' +
    '13gIzNSaiLPyoYGaRHi3rqbXlUIJ46BH1+C8vHTR5+OqvSYw2h/jgLIda5Khzi265IvlsGcHU73Nfb6sa2n6pkRH1uMm5KPNlaec' +
    '5k89bQKpCsR8idtNsYdVKGOWT2ZPQA+9O+k5dxId+lTPP2WYGGpzI0U7lFxyQCv1KzIZ51awgUn030zN me@laptop',
  rsa1024:
    'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDGgHsYThm2LCqts6gPC9acOSExpJeRHR/94nu7r25q0QCvR7j2ogEqHFG3+AlA' +
    '4TFA2N99APpLLgEPKsiHKah/c4YqZh2LJLQaSIdCxFCeLRQkDmAuCH59mmG+zx5ngQt4U5lExu3amtV5GHWNV1kVldN8x7QUZ576' +
    'qXvvJSzI+w== me@laptop',
} as const;
