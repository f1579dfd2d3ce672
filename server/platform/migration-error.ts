/** Thrown when the migrations of a database do not fit this program or can't be applied; the message says what to do. */
export class MigrationError extends Error {
  constructor(
    readonly code: 'migration.blocked' | 'migration.changed' | 'migration.missing' | 'migration.newer',
    message: string,
  ) {
    super(message)
    this.name = 'MigrationError'
  }
}
