import { t } from 'elysia'

/** An id in an address; elsewhere, Type.Integer serves. */
export const IdInAddress = t.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })

/** Of a resource without query parameters: one that is given would be ignored without notice. */
export const NoQuery = t.Object({}, { additionalProperties: false })
