import type { TaskKind } from '../schema.ts'
import { demo } from './demo.ts'
import { importOrders } from './import.ts'
import type { Kind } from './kind.ts'
import { report } from './report.ts'

/** The implementation of each kind. */
export const kinds: Readonly<Record<TaskKind, Kind<never>>> = { demo, report, import: importOrders }
