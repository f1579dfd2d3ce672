import { t } from 'elysia'

/** An id in a path. In a body use Type.Integer: t.Integer also accepts text. */
export const IdInAddress = t.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })

/** The query of a resource without parameters: refuses any, which would otherwise be ignored silently. */
export const NoQuery = t.Object({}, { additionalProperties: false })

/** A query parameter that is `true` or `false`. */
export const BooleanInAddress = (options: { description: string }) => t.BooleanString(options)
