/** A unique name: 128 random bits in hexadecimal. `crypto.randomUUID` exists only on pages that are served securely. */
export const randomId = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
