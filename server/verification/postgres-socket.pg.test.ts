import { afterAll, beforeAll, expect, test } from 'bun:test'
import { connectDatabase } from '../platform/database.ts'
import { type OwnPostgres, startOwnPostgres } from '../testing/own-postgres.ts'
import { execute, PostgresSocket, prepare } from './postgres-socket.ts'

let postgres: OwnPostgres
let path: string
beforeAll(async () => {
  postgres = await startOwnPostgres()
  const [row] = await postgres.sql<{ path: string }[]>`
    select current_setting('unix_socket_directories') || '/.s.PGSQL.' || current_setting('port') as path`
  path = row?.path ?? ''
  await postgres.sql`create table texts (text text)`
})
afterAll(() => postgres[Symbol.asyncDispose]())

const connect = (database = 'postgres') => PostgresSocket.connect({ path, user: 'postgres', database })

test('a prepared statement is executed with its values before the next is sent', async () => {
  const socket = await connect()
  await socket.send(prepare('insert', 'insert into texts values ($1 || $2)'))
  await socket.send(execute('insert', ['a', 'é\n']))
  await socket.send(execute('insert', ['', "'"]))
  socket.close()
  expect(await postgres.sql`select text from texts`.then((rows) => rows.map(({ text }) => text))).toEqual(['aé\n', "'"])
})

test('an answer that arrives in several parts is read to its end', async () => {
  const socket = await connect()
  await socket.send(prepare('long', `select repeat('x', 1000000) from generate_series(1, 5)`))
  await socket.send(execute('long', []))
  await socket.send(prepare('next', 'select 1'))
  await socket.send(execute('next', []))
  socket.close()
})

test('an error of the server rejects its request, and no later one', async () => {
  const socket = await connect()
  await expect(socket.send(prepare('bad', 'select missing'))).rejects.toThrow('column "missing" does not exist')
  await socket.send(prepare('good', 'select 1'))
  await socket.send(execute('good', []))
  socket.close()
})

test('a connection that the server refuses or ends rejects', async () => {
  await expect(connect('missing')).rejects.toThrow('database "missing" does not exist')
  const socket = await connect()
  await socket.send(prepare('wait', 'select pg_sleep(60)'))
  const waiting = socket.send(execute('wait', []))
  const other = connectDatabase(postgres.url, { max: 1 })
  await other`select pg_terminate_backend(pid) from pg_stat_activity where query like 'select pg_sleep%'`
  await expect(waiting).rejects.toThrow()
  await other.end()
})
