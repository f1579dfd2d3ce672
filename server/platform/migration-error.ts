/** A database whose migrations do not fit this program or can not be applied, with what to do about it. */
export class MigrationError extends Error {
  constructor(
    readonly code: 'migration.blocked' | 'migration.changed' | 'migration.missing' | 'migration.newer',
    message: string,
  ) {
    super(message)
    this.name = 'MigrationError'
  }
}
