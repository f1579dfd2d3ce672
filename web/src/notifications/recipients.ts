/** The recipients in a field: names, separated by spaces or commas. */
export const recipientsOf = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean)
