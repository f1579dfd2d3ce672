// In a compiled binary every module is in /$bunfs/root.
/** Whether this runs from the compiled binary, and not from its sources. */
export const isCompiled = import.meta.dir.startsWith('/$bunfs/') || import.meta.dir.includes('~BUN')

/** Program and first arguments of another process of this program, with the same options of Bun. */
export const programCommand = (): string[] => [process.execPath, ...(isCompiled ? [] : [...process.execArgv, Bun.main])]
