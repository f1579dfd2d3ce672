/** A schema with those in it that have a title replaced by references, and put into `schemas` under their titles. */
export function hoist(node: unknown, schemas: Record<string, unknown>): unknown {
  if (Array.isArray(node)) return node.map((item) => hoist(item, schemas))
  if (typeof node !== 'object' || node === null) return node
  const members = Object.fromEntries(
    Object.entries(node).map(([name, member]) => [name, name === 'examples' ? member : hoist(member, schemas)]),
  )
  if (typeof members.title !== 'string' || !('type' in members || 'anyOf' in members)) return members
  const { title, ...schema } = members
  schemas[title] = schema
  return { $ref: `#/components/schemas/${title}` }
}
