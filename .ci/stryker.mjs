// Mutation testing of files without I/O: ROOM=log bun run mutation. A mutant costs a run of its room's unit tests, so rooms are
// small. What survives is in the output, and in dist/mutation.

/** What is mutated, and the name parts of the test files that must notice. */
const rooms = {
  protocol: { mutate: ['server/protocol/*.ts', '!server/protocol/{ledger,histogram}.ts'], tests: ['server/protocol/'] },
  ledger: { mutate: ['server/protocol/{ledger,histogram}.ts'], tests: ['ledger.test', 'verification.test'] },
  log: {
    mutate: ['server/log/{nesting,admission,key-conflicts,lost-events}.ts'],
    tests: ['log/nesting.test', 'log/admission.test', 'log/key-conflicts.test', 'log/lost-events.test'],
  },
  frame: { mutate: ['server/transports/sse/frame.ts'], tests: ['sse/frame.test'] },
  scanner: { mutate: ['server/transports/publish/json-scanner.ts'], tests: ['publish/json-scanner.test'] },
  request: { mutate: ['server/transports/request.ts'], tests: ['transports/request.test'] },
  fanout: { mutate: ['server/fanout/*.ts'], tests: ['server/fanout/'] },
}

const name = process.env.ROOM ?? 'protocol'
const room = rooms[name]
if (!room) throw new Error(`ROOM is ${name}; it is one of ${Object.keys(rooms).join(', ')}`)

export default {
  mutate: [...room.mutate, '!**/*.test.ts'],
  testRunner: 'command',
  commandRunner: { command: `bun test --bail --timeout 20000 ${room.tests.join(' ')}` },
  coverageAnalysis: 'off',
  concurrency: 2,
  timeoutMS: 30_000,
  // Texts of errors and descriptions, mostly.
  mutator: { excludedMutations: ['StringLiteral'] },
  ignorePatterns: ['dist', 'web'],
  tempDirName: 'dist/.mutation',
  reporters: ['clear-text', 'json'],
  clearTextReporter: { logTests: false, reportTests: false, allowColor: false },
  jsonReporter: { fileName: `dist/mutation/${name}.json` },
}
