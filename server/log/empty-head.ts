/** The failure of a read when `sse.head` has no row. Appends fail with SQLSTATE SE002 and the same hint. */
export const emptyHead = (): Error =>
  new Error(
    'sse.head is empty: restore the database from a backup, or insert its row again (position: that of the newest event in sse.log; partitioned_through: the last position of its partitions)',
  )
