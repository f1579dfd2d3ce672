/** A name that nobody else has. `crypto.randomUUID` is there only on pages that are served securely. */
export const randomId = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
