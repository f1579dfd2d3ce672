/**
 * Bytes of the rows of one page after which it ends, so that making and sending it holds the event loop for some 10 ms
 * and not longer. The row that goes beyond is on the page still: a page is never empty because its first row is large.
 */
export const PAGE_BYTES = 2 ** 20
