/** Whether an address is of another origin than the page: the browser then sends cookies only when a request asks for it. */
export function isForeign(address: string): boolean {
  const page = globalThis.location?.href
  return page !== undefined && new URL(address, page).origin !== new URL(page).origin
}
