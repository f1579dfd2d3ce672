/** What a process of a group is given at its start, by the supervisor. */
export interface Assignment {
  /** From 1. A process that replaces another has its number. */
  number: number
  /** The settings that the supervisor has decided, in place of those of the environment. */
  port: number
  instanceName: string
  /** The embedded Postgres that the supervisor runs; missing where the database is that of the settings. */
  embedded?: { socketDirectory: string; port: number }
}

/** What all processes of a group have reported. */
export interface GroupReports {
  /** One for each process that responded in time, in the order of their numbers. */
  reports: unknown[]
  /** Processes that were started in place of one that had ended. */
  restarts: number
}

/** From the supervisor to a process. */
export type ToMember =
  | { type: 'start'; assignment: Assignment }
  /** The process is to report. */
  | { type: 'report'; id: number }
  /** The response to a `collect`. */
  | ({ type: 'collected'; id: number } & GroupReports)

/** From a process to the supervisor. */
export type ToSupervisor =
  /** It has loaded, and waits for its assignment. */
  | { type: 'joined' }
  /** It serves. */
  | { type: 'running'; url: string }
  /** The reports of all processes are wanted. */
  | { type: 'collect'; id: number }
  /** The response to a `report`. */
  | { type: 'reported'; id: number; report: unknown }
