import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dashboardPage, dashboardRoutes } from './dashboard.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dashboard-'))
  await mkdir(join(directory, 'assets'))
  await Bun.write(join(directory, 'index.html'), '<!doctype html>')
  await Bun.write(join(directory, 'assets', 'main-1a2b.js'), 'start()')
})
afterAll(() => rm(directory, { recursive: true }))

async function get(path: string, isBuilt = true): Promise<Response> {
  const routes = dashboardRoutes(isBuilt ? directory : undefined, false)
  await routes.modules
  return routes.handle(new Request(`http://localhost${path}`))
}

describe('the dashboard', () => {
  test.each(['/', '/tasks', '/orders', '/notifications', '/lab', '/compare', '/log', '/cluster'])(
    'serves its document at %s, which is asked for again each time',
    async (path) => {
      const { status, headers } = await get(path)
      expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
        200,
        'text/html; charset=utf-8',
        'no-cache',
      ])
    },
  )

  test('serves its scripts by names that hold a hash, for a year', async () => {
    const response = await get('/assets/main-1a2b.js')
    expect(await response.text()).toBe('start()')
    expect(response.headers.get('cache-control')).toContain('immutable')
    expect(response.headers.get('cache-control')).toContain('max-age=31536000')
  })

  test('that is not built says how to build it', async () => {
    expect(await (await get('/', false)).text()).toContain('bun run build:web')
  })
})

describe('the document', () => {
  const policyOf = async (isLab: boolean) =>
    (await dashboardPage(directory, isLab)).headers.get('content-security-policy') ?? ''

  test('allows scripts and connections of its own origin alone, and no frame around it', async () => {
    const policy = (await policyOf(false)).split('; ')
    expect(policy).toContain("default-src 'self'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy.filter((directive) => directive.startsWith('connect-src'))).toEqual([])
  })

  test('of a lab may open streams under other names of this machine', async () => {
    expect(await policyOf(true)).toEndWith("; connect-src 'self' http://localhost:* http://*.localhost:*")
  })

  test('has the status of the address that it is for', async () => {
    expect((await dashboardPage(directory, false, 404)).status).toBe(404)
  })
})
