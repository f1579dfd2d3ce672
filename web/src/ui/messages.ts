/** The error message when a request got no response. */
export const UNREACHABLE = 'The server is unreachable. Check that it is running, then try again.'

/** The error message for a response that has no problem document. @param status HTTP status */
export const unexpectedStatus = (status: unknown): string => `The server responded with status ${status}. Try again.`
