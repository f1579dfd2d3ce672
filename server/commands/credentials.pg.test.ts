import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { runCommand } from '../testing/command.ts'
import { createDatabase, createEmptyDatabase, type TestDatabase } from '../testing/database.ts'
import { startInstance } from '../testing/instance.ts'
import { until } from '../testing/until.ts'

const JWT_SECRET = 'a secret of more than thirty-two bytes'

let database: TestDatabase
let instance: Awaited<ReturnType<typeof startInstance>>
beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url, { JWT_SECRET })
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const run = (args: string[], env: Record<string, string> = {}) =>
  runCommand(args, { DATABASE_URL: database.url, SSE_UPDATE_URL: instance.url, JWT_SECRET, ...env })

/** A token that the command mints. */
async function mint(...args: string[]): Promise<string> {
  const { out, code } = await run(['token', ...args])
  expect(code).toBe(0)
  expect(out).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
  return out.trim()
}

const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

describe('token', () => {
  test('prints a token alone on standard output, which the server accepts', async () => {
    const token = await mint('--sub', 'alice', '--publish', 'orders.{sub}.>', 'chat', '--subscribe', 'broadcast')
    expect(claimsOf(token)).toMatchObject({
      sub: 'alice',
      publish: ['orders.{sub}.>', 'chat'],
      subscribe: ['broadcast'],
    })
    expect(claimsOf(token).exp - claimsOf(token).iat).toBe(3600)
    const published = await run(['publish', 'orders.alice.1', 't', '--token', token])
    expect([published.code, published.out]).toEqual([0, expect.stringMatching(/^\d+\n$/)])
    const refused = await run(['publish', 'orders.bob.1', 't'], { SSE_UPDATE_TOKEN: token })
    expect([refused.code, refused.error]).toEqual([1, expect.stringContaining('access.denied')])
  })

  test('has the issuer and audience of the settings, and an id when one is wanted', async () => {
    const { out, error } = await run(['token', '--sub', 'alice', '--ttl', '2d', '--jti'], {
      JWT_ISSUER: 'dev',
      JWT_AUDIENCE: 'sse',
    })
    const { iss, aud, jti, iat, exp } = claimsOf(out)
    expect([iss, aud, exp - iat]).toEqual(['dev', 'sse', 2 * 86_400])
    expect(error).toBe(`id: ${jti}\n`)
    expect(claimsOf(await mint('--sub', 'alice', '--jti', 'own')).jti).toBe('own')
  })

  test.each([
    [['--sub', 'alice'], { JWT_SECRET: '' }, 'JWT_SECRET is not set'],
    [['--sub', 'alice'], { JWT_SECRET: 'too-short' }, 'at least 32'],
    [[], {}, '--sub'],
    [['--sub', 'alice', '--ttl', '0'], {}, 'duration'],
    [['--sub', 'alice', '--ttl', 'soon'], {}, 'duration'],
    [['--sub', 'alice', '--role', 'admin'], {}, 'operator'],
    [['--sub', 'alice', '--publish', 'a..b'], {}, 'a..b'],
  ])('%j with %j is refused, with the reason', async (args, env, reason) => {
    const { out, error, code } = await run(['token', ...args], env as Record<string, string>)
    expect([out, error]).toEqual(['', expect.stringContaining(reason)])
    expect(code).not.toBe(0)
    expect(error).not.toContain('too-short')
  })
})

describe('key', () => {
  test('creates a key that is shown once, lists it without it, and revokes it', async () => {
    const created = await run(['key', 'create', '--name', 'billing', '--publish', 'orders.>', '--subscribe', 'a.{sub}'])
    expect(created.out).toMatch(/^ssek_[\w-]{43}\n$/)
    expect(created.error).not.toContain('ssek_')
    const key = created.out.trim()

    const listed = await run(['key', 'list'])
    expect(listed.out).toMatch(/^billing +user +orders\.> +a\.billing +20\S+ +-$/m)
    const json = await run(['key', 'list', '--json'])
    expect(JSON.parse(json.out)).toMatchObject({ name: 'billing', publish: ['orders.>'], revokedAt: null })
    const hash = new Bun.CryptoHasher('sha256').update(key).digest('hex')
    for (const text of [listed.out, json.out]) {
      expect(text).not.toContain(key)
      expect(text).not.toContain(hash)
    }
    const [stored] = await database.sql`select to_jsonb(k)::text as row from sse.access_keys k where name = 'billing'`
    expect(stored?.row).toContain(hash)
    expect(stored?.row).not.toContain(key.slice(5))

    expect(await run(['key', 'revoke', 'billing'])).toMatchObject({ code: 0 })
    expect(await run(['key', 'revoke', 'billing'])).toMatchObject({ code: 1, error: expect.stringContaining('no key') })
    expect((await run(['key', 'list'])).out).toMatch(/^billing .* 20\S+$/m)
    const again = await run(['key', 'create', '--name', 'billing', '--publish', 'a'])
    expect([again.code, again.out, again.error]).toEqual([1, '', expect.stringContaining('Choose another name')])
  })

  test('refuses a key that could do nothing, and patterns that are not valid', async () => {
    expect(await run(['key', 'create', '--name', 'x'])).toMatchObject({ code: 2, out: '' })
    expect(await run(['key', 'create', '--name', 'x', '--publish', 'a..b'])).toMatchObject({ code: 2, out: '' })
    expect(await run(['key', 'create', '--name', 'a.b', '--publish', 'a'])).toMatchObject({ code: 1, out: '' })
  })

  test('says that migrations are missing', async () => {
    await using empty = await createEmptyDatabase()
    const { code, error } = await run(['key', 'list'], { DATABASE_URL: empty.url })
    expect([code, error]).toEqual([1, expect.stringContaining('sse-update migrate')])
  })
})

describe('revoke', () => {
  test('makes the server refuse one token by its id, or all tokens of a subject', async () => {
    const [first, second] = [await mint('--sub', 'eve', '--jti', 'e1'), await mint('--sub', 'eve', '--jti', 'e2')]
    const statusOf = async (token: string) => {
      const headers = { authorization: `Bearer ${token}`, accept: 'application/json' }
      const response = await fetch(`${instance.url}/events?channel=broadcast`, { headers })
      return response.ok ? 'accepted' : ((await response.json()) as { code: string }).code
    }
    const statuses = () => Promise.all([statusOf(first), statusOf(second)])
    expect(await statuses()).toEqual(['accepted', 'accepted'])
    expect(await run(['revoke', '--token', 'e1'])).toMatchObject({ code: 0 })
    await until('one token is refused', statuses, ([one]) => one === 'token.revoked', 4000)
    expect(await statuses()).toEqual(['token.revoked', 'accepted'])
    expect(await run(['revoke', '--subject', 'eve'])).toMatchObject({ code: 0 })
    await until('the other token is refused', statuses, ([, other]) => other === 'token.revoked', 4000)
  })

  test('takes one of the two, and an id rather than a token', async () => {
    const token = await mint('--sub', 'eve')
    for (const args of [[], ['--token', 'a', '--subject', 'b'], ['--token', token], ['--token', 'ssek_x']]) {
      const { code, error } = await run(['revoke', ...args])
      expect([code, error.includes(token)]).toEqual([2, false])
    }
  })
})

describe('a client command without a credential', () => {
  test.each([
    [['publish', 'a', 't']],
    [['tail', 'a']],
    [['bench', '--streams', '2']],
    [['verify', '--connections', '2']],
    [['demo', '--duration', '1']],
  ])('%j says how to get one', async (args) => {
    const { code, error } = await run(args)
    expect([code, error]).toEqual([1, expect.stringContaining('sse-update token --sub')])
  })

  test('or with one that is none, does not print what it was given', async () => {
    const { code, error } = await run(['publish', 'a', 't'], { SSE_UPDATE_TOKEN: 'my secret\nx: y' })
    expect([code, error]).toEqual([2, expect.stringContaining('SSE_UPDATE_TOKEN')])
    expect(error).not.toContain('secret')
  })
})

describe('a client command with a token', () => {
  test('verify ends with a clean ledger', async () => {
    const token = await mint('--sub', 'ops', '--role', 'operator')
    const args = ['--connections', '20', '--rate', '100', '--duration', '1', '--churn', '10', '--json']
    const { out, code } = await run(['verify', ...args, '--token', token])
    expect([code, JSON.parse(out)]).toMatchObject([0, { missing: 0, isClean: true }])
  })

  test('verify and bench end with a clean ledger with a key for their channels alone', async () => {
    const patterns = ['--publish', 'verify.>', '--subscribe', 'verify.>']
    const key = (await run(['key', 'create', '--name', 'verifier', ...patterns])).out.trim()
    const size = ['--rate', '50', '--duration', '1']
    for (const command of [
      ['verify', '--connections', '10', ...size],
      ['bench', '--streams', '10', ...size],
    ]) {
      const { out, code } = await run(command, { SSE_UPDATE_TOKEN: key })
      expect([code, out]).toEqual([0, expect.stringContaining('The ledger is clean.')])
      expect(out).toMatch(/^delivered +[1-9]/m)
    }
  })

  test('verify names why nothing was published when the token may only read', async () => {
    const token = await mint('--sub', 'reader', '--subscribe', 'verify.>')
    const args = ['--connections', '2', '--rate', '20', '--duration', '1', '--patience', '1']
    const { error, code } = await run(['verify', ...args], { SSE_UPDATE_TOKEN: token })
    expect([code, error]).toEqual([1, expect.stringContaining('access.denied')])
  })

  test('verify names the channels that the token must allow to read', async () => {
    const { error, code } = await run(['verify', '--connections', '2', '--token', await mint('--sub', 'alice')])
    expect([code, error]).toEqual([1, expect.stringContaining('verify.>')])
  })

  test('demo acts as an operator, and as no other', async () => {
    const operator = await mint('--sub', 'ops', '--role', 'operator')
    const done = await run(['demo', '--orders', '2', '--duration', '1', '--token', operator])
    expect([done.code, done.out]).toEqual([0, expect.stringContaining('is open')])
  })
})
