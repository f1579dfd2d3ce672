// Which room of server/ may import which: each those before it in the list, type imports included, and no cycle anywhere.
// `npm run imports` checks it. Tests may import anything; `server/testing/` serves tests alone.
const rooms = ['platform', 'protocol', 'telemetry', 'http', 'auth', 'log', 'fanout', 'transports', 'shop', 'operations', 'api']

const downward = rooms.map((room, index) => ({
  name: `${room} imports only rooms below it`,
  severity: 'error',
  from: { path: `^server/${room}/` },
  to: { path: `^(server/(?!(${rooms.slice(0, index + 1).join('|')})/)|web/)` },
}))

/** @param from whose imports are restricted; @param to what they must not be. Regular expressions of paths. */
const forbid = (name, from, to) => ({
  name,
  severity: 'error',
  from: typeof from === 'string' ? { path: from } : from,
  to: typeof to === 'string' ? { path: to } : to,
})

/** Everything in server/ but these. */
const allBut = (paths) => ({ path: '^server/', pathNot: paths })

// What stands above the rooms: app.ts joins the doors, the others join everything.
const compositionRoot = '^server/(app|runtime|group-runtime|worker-runtime|common-runtime|event-system|prepare-database|http-server)\\.ts$'

module.exports = {
  forbidden: [
    forbid('no cycle', {}, { circular: true }),
    ...downward,
    forbid(
      'operations and api are only above: app.ts and runtime.ts alone import them',
      allBut(['^server/(operations|api)/', '^server/(app|runtime)\\.ts$', '^server/testing/']),
      '^server/(operations|api)/',
    ),
    forbid(
      'only the composition root imports the shop, and what describes its events or drives its demo',
      allBut(['^server/shop/', compositionRoot, '^server/commands/demo\\.ts$', '^server/api/asyncapi\\.ts$', '^server/testing/']),
      '^server/shop/',
    ),
    forbid(
      'only the commands and the tests import the composition root',
      allBut([compositionRoot, '^server/(commands|testing)/']),
      compositionRoot,
    ),
    forbid(
      'app.ts knows doors, and nothing of the engine behind them',
      '^server/app\\.ts$',
      { path: '^server/', pathNot: '^server/(platform|protocol|telemetry|http|auth|transports|shop|operations|api)/' },
    ),
    forbid(
      'only routes, http, auth, operations, api and app.ts import Elysia',
      allBut(['^server/(http|auth|operations|api)/', '^server/(transports|shop)/.*routes\\.ts$', '^server/app\\.ts$']),
      'node_modules/(elysia|@elysiajs/(?!eden))',
    ),
    forbid(
      'fan-out knows neither HTTP nor Postgres',
      '^server/fanout/',
      '^server/(http|auth)/|^server/platform/(database|pool|listener|migrate|start|embedded-postgres)',
    ),
    forbid(
      'fan-out and protocol use no network, no files, no Postgres and no HTTP library',
      '^server/(fanout|protocol)/',
      '^(node:)?(http|https|http2|net|tls|dgram|fs)(/|$)|node_modules/(@types/)?(elysia|postgres|pg-boss|negotiator)/',
    ),
    forbid('protocol takes from the platform only errors', '^server/protocol/', {
      path: '^server/platform/',
      pathNot: '^server/platform/errors\\.ts$',
    }),
    forbid(
      'only transports, runtime.ts and event-system.ts import fan-out',
      allBut(['^server/(fanout|transports|operations|testing)/', '^server/(runtime|event-system)\\.ts$']),
      '^server/fanout/',
    ),
    forbid('operations take only types from fan-out', '^server/operations/', {
      path: '^server/fanout/',
      dependencyTypesNot: ['type-only'],
    }),
    forbid('fan-out takes only types from the log', '^server/fanout/', {
      path: '^server/log/',
      dependencyTypesNot: ['type-only'],
    }),
    forbid(
      'only telemetry/prometheus.ts imports prom-client',
      { path: '^(server|web/src)/', pathNot: '^server/telemetry/prometheus\\.ts$' },
      'node_modules/prom-client/',
    ),
    forbid('main.ts knows commands alone', '^server/main\\.ts$', { path: '^server/', pathNot: '^server/commands/' }),
    forbid(
      'commands start what the composition root joins, or are clients: they know no room of the server but the lowest',
      '^server/commands/',
      {
        path: '^server/',
        pathNot: ['^server/(commands|platform|protocol|auth|verification|shop/demo)/', compositionRoot],
      },
    ),
    forbid(
      'commands know what makes and stores credentials, and nothing else of auth',
      '^server/commands/',
      { path: '^server/auth/', pathNot: '^server/auth/(key-ring|key-store|patterns|token-minter)\\.ts$' },
    ),
    forbid('only main.ts imports commands', allBut(['^server/commands/', '^server/main\\.ts$']), '^server/commands/'),
    forbid('nothing imports main.ts', {}, '^server/main\\.ts$'),
    forbid(
      'verification is a client: it knows the protocol and its frames, not the server',
      '^server/verification/',
      { path: '^server/', pathNot: '^server/(verification|platform|protocol)/|^server/transports/sse/frame\\.ts$' },
    ),
    forbid('only commands and tests import verification', allBut(['^server/(verification|commands|testing)/']), '^server/verification/'),
    forbid('only tests import the test kit', { pathNot: '^server/testing/' }, '^server/testing/'),
    forbid('the browser takes types and the protocol alone from the server', '^web/src', {
      path: '^server/(?!protocol/)',
      dependencyTypesNot: ['type-only'],
    }),
  ],
  options: {
    exclude: { path: '\\.(test|bench)\\.tsx?$|/faults/|/attacks/|/fuzz/' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.tsx', '.mjs', '.js'] },
  },
}
