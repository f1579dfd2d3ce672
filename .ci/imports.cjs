// Which room of server/ may import which: each those before it in the list, type imports included, and no cycle anywhere.
// `npm run imports` checks it. Tests may import anything.
const rooms = ['platform', 'protocol', 'telemetry', 'http', 'auth', 'log', 'fanout', 'transports', 'shop', 'operations', 'api']

const downward = rooms.map((room, index) => ({
  name: `${room} imports only rooms below it`,
  severity: 'error',
  from: { path: `^server/${room}/` },
  to: { path: `^(server/(?!(${rooms.slice(0, index + 1).join('|')})/)|web/)` },
}))

module.exports = {
  forbidden: [
    { name: 'no cycle', severity: 'error', from: {}, to: { circular: true } },
    ...downward,
    {
      name: 'fan-out knows neither HTTP nor Postgres',
      severity: 'error',
      from: { path: '^server/fanout/' },
      to: { path: '^server/(http|auth)/|^server/platform/(database|pool|listener|migrate)|node_modules/(elysia|postgres)/' },
    },
    {
      name: 'fan-out takes only types from the log',
      severity: 'error',
      from: { path: '^server/fanout/' },
      to: { path: '^server/log/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only telemetry/prometheus knows prom-client',
      severity: 'error',
      from: { path: '^(server|web/src)/', pathNot: '^server/telemetry/prometheus\\.ts$' },
      to: { path: 'node_modules/prom-client/' },
    },
    {
      name: 'Elysia stays at the doors',
      severity: 'error',
      from: { path: '^server/(platform|protocol|telemetry|log|fanout|verification)/' },
      to: { path: 'node_modules/(elysia|@elysiajs)' },
    },
    {
      name: 'the example application stands apart',
      severity: 'error',
      from: { path: '^server/(verification|operations)/' },
      to: { path: '^server/shop/' },
    },
    {
      name: 'the browser takes types and the protocol alone from the server',
      severity: 'error',
      from: { path: '^web/src' },
      to: { path: '^server/(?!protocol/)', dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    exclude: { path: '\\.(test|bench)\\.tsx?$|/testing/|/faults/|/attacks/' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.tsx', '.mjs', '.js'] },
  },
}
