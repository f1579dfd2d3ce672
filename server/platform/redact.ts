/** A text in which the user and the password of each URL are replaced: `postgres://…@host/database`. */
export const withoutPassword = (text: string): string => text.replace(/(:\/\/)[^\s"'<>]*@/g, '$1…@')
