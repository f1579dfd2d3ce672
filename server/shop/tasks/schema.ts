import { Type } from '@sinclair/typebox'
import { Nullable } from '../../protocol/schema.ts'

/** The states of a task. */
export const TaskState = Type.Union(
  [
    Type.Literal('queued'),
    Type.Literal('running'),
    Type.Literal('succeeded'),
    Type.Literal('failed'),
    Type.Literal('cancelled'),
  ],
  { description: 'queued → running → succeeded, failed or cancelled' },
)

/** The kinds of work; see `kinds/`. */
export const TaskKind = Type.Union([Type.Literal('demo'), Type.Literal('report'), Type.Literal('import')])

const DemoInput = Type.Object(
  {
    seconds: Type.Optional(
      Type.Number({ minimum: 0, maximum: 3600, description: 'how long it takes; defaults to 3', examples: [3] }),
    ),
    fail_at: Type.Optional(
      Type.Number({ minimum: 0, maximum: 100, description: 'percent at which every attempt fails', examples: [50] }),
    ),
  },
  { additionalProperties: false },
)

const Day = (description: string) =>
  Type.String({ pattern: '^\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])$', description, examples: ['2026-11-01'] })

const ReportInput = Type.Object(
  {
    from: Type.Optional(Day('first day, UTC; defaults to that of the oldest order')),
    to: Type.Optional(Day('last day, UTC; defaults to today')),
  },
  { additionalProperties: false },
)

/** The description of a task. */
export const Description = Type.String({
  pattern: '\\S',
  maxLength: 200,
  description: 'text that is not blank; defaults to one by the kind',
  examples: ['November'],
})
const description = Type.Optional(Description)

/** The body of `POST /api/tasks`. An import is started by `POST /api/orders/import`. */
export const NewTask = Type.Union(
  [
    Type.Object(
      { kind: Type.Literal('demo'), input: Type.Optional(DemoInput), description },
      { additionalProperties: false, title: 'NewDemo' },
    ),
    Type.Object(
      { kind: Type.Literal('report'), input: Type.Optional(ReportInput), description },
      { additionalProperties: false, title: 'NewReport' },
    ),
  ],
  {
    title: 'NewTask',
    examples: [
      { kind: 'demo', input: { seconds: 3 } },
      { kind: 'report', input: { from: '2026-11-01' } },
    ],
  },
)

/** A file that a task has produced. */
export const TaskFile = Type.Object(
  {
    name: Type.String({ examples: ['report.csv'] }),
    contentType: Type.String({ examples: ['text/csv; charset=utf-8'] }),
    bytes: Type.Integer({ examples: [52_133] }),
  },
  { title: 'TaskFile' },
)

const time = Type.String({ format: 'date-time' })

/** A task. */
export const Task = Type.Object(
  {
    id: Type.Integer({ examples: [9] }),
    kind: TaskKind,
    owner: Type.String({ examples: ['bob'] }),
    description: Type.String(),
    input: Type.Record(Type.String(), Type.Unknown(), { description: 'the input of the kind' }),
    state: TaskState,
    progress: Type.Number({ minimum: 0, maximum: 100, description: 'percent' }),
    step: Type.String({ description: 'what it is doing, as text for users', examples: ['120,000 of 200,000 orders'] }),
    attempt: Type.Integer({ description: 'how many attempts were started' }),
    error: Nullable(Type.String({ description: 'why the last attempt failed' })),
    result: Nullable(Type.Record(Type.String(), Type.Unknown(), { description: 'figures, once it succeeded' })),
    files: Type.Array(TaskFile, { description: 'at /api/tasks/:id/files/:name' }),
    version: Type.Integer({ description: 'grows by one with each change', examples: [1] }),
    createdAt: time,
    updatedAt: time,
    nextAttemptAt: Nullable(
      Type.String({ format: 'date-time', description: 'when the next attempt starts at the earliest' }),
    ),
    startedAt: Nullable(Type.String({ format: 'date-time', description: 'of the last attempt' })),
    endedAt: Nullable(time),
  },
  {
    title: 'Task',
    examples: [
      {
        id: 9,
        kind: 'demo',
        owner: 'bob',
        description: 'Demo of 3 s',
        input: { seconds: 3 },
        state: 'running',
        progress: 40,
        step: 'Labelling',
        attempt: 1,
        error: null,
        result: null,
        files: [],
        version: 14,
        createdAt: '2026-11-21T10:00:00.000Z',
        updatedAt: '2026-11-21T10:00:01.300Z',
        nextAttemptAt: null,
        startedAt: '2026-11-21T10:00:00.100Z',
        endedAt: null,
      },
    ],
  },
)

/** The type of {@link TaskState}. */
export type TaskState = typeof TaskState.static
/** The type of {@link TaskKind}. */
export type TaskKind = typeof TaskKind.static
/** The type of {@link NewTask}. */
export type NewTask = typeof NewTask.static
/** The type of {@link TaskFile}. */
export type TaskFile = typeof TaskFile.static
/** The type of {@link Task}. */
export type Task = typeof Task.static

/** All states. */
export const STATES = TaskState.anyOf.map((state) => state.const)
/** All kinds. */
export const KINDS = TaskKind.anyOf.map((kind) => kind.const)
