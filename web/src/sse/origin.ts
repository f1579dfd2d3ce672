/** Whether an address is of another origin than the page: the browser then sends cookies only when it is told to. */
export function isForeign(address: string): boolean {
  const page = globalThis.location?.href
  return page !== undefined && new URL(address, page).origin !== new URL(page).origin
}
