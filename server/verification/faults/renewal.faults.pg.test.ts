// The rights of many streams change while events flow: sessions are renewed on either instance, and one subject is revoked.

import { expect, test } from 'bun:test'
import { SECOND } from '../../platform/time.ts'
import { runCommand } from '../../testing/command.ts'
import { openStream } from '../../testing/stream-reader.ts'
import { bearer, TOKEN_SECRET } from '../../testing/tokens.ts'
import { until } from '../../testing/until.ts'
import type { Subscriber } from '../subscriber.ts'
import { Verification } from '../verification.ts'
import { deploy, full, LASTING, someTraffic } from './deployment.ts'

const SUBJECTS = full(10, 4)
const SESSIONS_PER_SUBJECT = 2
const STREAMS = full(200, 40)
const RENEWALS = 5
/** Seconds that a token is valid: more than a renewal is late on a loaded machine, and less than all renewals take. */
const TTL = full(12, 8)
/** Milliseconds from a revocation to the end of its streams: instances read revocations every 5 s even if they miss the event. */
const MAX_LATE = 2.5 * SECOND

/** What a browser holds: its cookie, which each `POST /session` replaces. */
interface Session {
  subject: string
  cookie: string
  /** Ids of its tokens so far, in the order of their use. */
  tokens: string[]
}

const tokenFor = (subject: string, id: string, ttl: number) =>
  bearer({ sub: subject, jti: id, subscribe: ['verify.>'] }, { ttl })

/** Begins a session with a new token, or renews it. */
async function renew(session: Session, url: string, ttl = TTL): Promise<void> {
  const id = crypto.randomUUID()
  const headers = { ...(await tokenFor(session.subject, id, ttl)), cookie: session.cookie }
  const response = await fetch(`${url}/session`, { method: 'POST', headers })
  expect(response.status).toBe(200)
  session.cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  session.tokens.push(id)
}

const idOf = ({ cookie }: Session) => /=([\w-]{22})\./.exec(cookie)?.[1]

/** What a stream received, and what is wrong with it. */
const accountOf = ({ ledger, gaps }: Subscriber, verification: Verification) => ({
  delivered: ledger.delivered,
  missing: ledger.overdue(verification.publications),
  duplicated: ledger.duplicated,
  reordered: ledger.reordered,
  foreign: ledger.foreign,
  gaps,
})

test('streams outlive their first tokens by renewals that one instance receives, and a revoked subject loses its streams and no others', async () => {
  await using deployment = await deploy({ settings: { JWT_SECRET: TOKEN_SECRET } })
  const { urls, database } = deployment
  const urlOf = (index: number) => urls[index % urls.length] as string
  const sessions: Session[] = Array.from({ length: SUBJECTS * SESSIONS_PER_SUBJECT }, (_, index) => ({
    subject: `reader-${index % SUBJECTS}`,
    cookie: '',
    tokens: [],
  }))
  const sessionOf = (index: number) => sessions[index % sessions.length] as Session
  const beginning = Date.now()
  await Promise.all(sessions.map((session, index) => renew(session, urlOf(index))))
  const ids = sessions.map(idOf)
  expect(new Set(ids).size).toBe(sessions.length)

  const verification = new Verification({
    urls,
    connections: STREAMS,
    // Between two requests, a poller holds no rights that could end.
    transports: LASTING,
    rate: 100,
    headers: await bearer({ sub: 'publisher', role: 'operator' }),
    streamHeaders: (index) => ({ cookie: sessionOf(index).cookie }),
    // With it, each session has streams on both instances.
    seed: 5,
  })
  // Its token can't be renewed: it shows that tokens end during the run.
  await using witness = await openStream(urlOf(0), ['verify.>'], await tokenFor('reader-0', 'witness', TTL))
  await verification.start()

  // Each session is renewed on one instance only: its streams on the other one depend on what the two share.
  for (let round = 1; round <= RENEWALS; round++) {
    await until('it is time for a renewal', () => Date.now() > beginning + (round * 1.2 * TTL * SECOND) / RENEWALS)
    await Promise.all(sessions.map((session, index) => renew(session, urlOf(index))))
  }
  await witness.until(({ frames }) => frames.at(-1)?.event === 'closing')
  expect(JSON.parse(witness.frames.at(-1)?.data ?? '{}').reason).toBe('expired')
  await someTraffic(verification)
  expect(sessions.map(idOf)).toEqual(ids)
  expect(verification.subscribers.flatMap(({ closings }) => closings)).toEqual([])
  expect(verification.reconnects).toBe(0)

  // Nothing expires in the rest of the test.
  await Promise.all(sessions.map((session, index) => renew(session, urlOf(index), 600)))
  const isRevoked = ({ subject }: Session) => subject === 'reader-1'
  const revoked = verification.subscribers.filter((_, index) => isRevoked(sessionOf(index)))
  verification.setAside(revoked)
  const command = await runCommand(['revoke', '--subject', 'reader-1'], { DATABASE_URL: database.url })
  expect(command).toMatchObject({ code: 0, error: '' })
  await until('the streams of the subject have ended', () => revoked.every(({ closings }) => closings.length > 0))
  const [row] = await database.sql<{ at: Date }[]>`select at from sse.revocations`
  const delays = revoked.map(({ closings }) => (closings[0]?.at ?? 0) - Number(row?.at))
  expect(Math.max(...delays)).toBeLessThan(MAX_LATE)
  const accounts = revoked.map((subscriber) => accountOf(subscriber, verification))

  // A token that was replaced is revoked by its id: the streams continue, by the newer one.
  const [replaced = ''] = sessions.find((session) => !isRevoked(session))?.tokens ?? []
  expect(await runCommand(['revoke', '--token', replaced], { DATABASE_URL: database.url })).toMatchObject({ code: 0 })
  // Refusals are delayed, by up to four seconds.
  await until('the streams of the subject are refused', () => revoked.every(({ problem }) => problem === 'status 401'))
  for (const { cookie } of sessions.filter(isRevoked)) {
    for (const url of urls) {
      const response = await fetch(`${url}/session`, { headers: { cookie } })
      expect([response.status, (await response.json()).code]).toEqual([401, 'token.revoked'])
    }
  }
  await someTraffic(verification)

  const report = await verification.finish()
  expect(revoked.map(({ closings }) => closings.map(({ reason }) => reason))).toEqual(revoked.map(() => ['revoked']))
  // Nothing of what was published meanwhile reached them, and of what came before, nothing is missing.
  expect(revoked.map((subscriber) => accountOf(subscriber, verification))).toEqual(accounts)
  expect(accounts.map(({ delivered, ...wrong }) => wrong)).toEqual(
    accounts.map(() => ({ missing: 0, duplicated: 0, reordered: 0, foreign: 0, gaps: 0 })),
  )
  expect(Math.min(...accounts.map(({ delivered }) => delivered))).toBeGreaterThan(0)
  expect(report).toMatchObject({ isClean: true, reconnects: 0 })
  full(console.info, () => {})({
    streams: STREAMS,
    revoked: revoked.length,
    slowestEnd: Math.max(...delays),
    ...report,
  })
})
