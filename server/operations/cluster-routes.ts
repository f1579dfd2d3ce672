import { Type } from '@sinclair/typebox'
import { Elysia, t } from 'elysia'
import { type Authorize, checkOperator } from '../auth/actor.ts'
import type { Bodies } from '../http/body.ts'
import { detail } from '../http/describe-route.ts'
import { jsonBody, SMALL_BODY } from '../http/json-body.ts'
import { NoQuery } from '../http/parameters.ts'
import { otherMethods } from '../http/problem.ts'
import { AppError } from '../platform/errors.ts'
import { ClusterView } from './cluster-schema.ts'
import type { Instances } from './instances.ts'

/** The faults that the lab can cause. */
export interface Faults {
  /** Ends every stream of this instance; clients reconnect. @returns how many */
  disconnectStreams(): Promise<number>
  /** Ends the database connections on which instances listen; they reconnect. @returns how many */
  killListeners(): Promise<number>
}

/** What {@link clusterRoutes} needs. */
export interface ClusterRoutesOptions {
  instances: Instances
  /** `undefined` where faults are not allowed. */
  faults: Faults | undefined
  bodies: Bodies
  authorize: Authorize
}

const Fault = Type.Union([Type.Literal('disconnect-streams'), Type.Literal('kill-listeners')], {
  description:
    'disconnect-streams ends every stream of this instance; kill-listeners ends the database connections that LISTEN',
})

const FaultRequest = t.Object({ fault: Fault }, { additionalProperties: false })

/** `/api/cluster`: the instances and the state of Postgres. `/api/lab/faults`: causes faults, where that is allowed. */
export const clusterRoutes = ({ instances, faults, bodies, authorize }: ClusterRoutesOptions) =>
  new Elysia({ name: 'cluster', prefix: '/api', tags: ['operations'] })
    .get(
      '/cluster',
      async ({ request }) => {
        checkOperator(await authorize(request))
        return instances.view()
      },
      {
        query: NoQuery,
        response: ClusterView,
        detail: detail({
          summary: 'The instances, the state of Postgres, and how long events are kept',
          errors: ['access.denied'],
        }),
      },
    )
    .post(
      '/lab/faults',
      async ({ body, request, set }) => {
        checkOperator(await authorize(request))
        if (!faults) throw disallowed()
        set.status = 202
        const affected = body.fault === 'kill-listeners' ? faults.killListeners() : faults.disconnectStreams()
        return { affected: await affected }
      },
      {
        parse: jsonBody(bodies, FaultRequest, SMALL_BODY, async (request) => checkOperator(await authorize(request))),
        query: NoQuery,
        body: FaultRequest,
        response: { 202: Type.Object({ affected: Type.Integer({ description: 'connections', examples: [3] }) }) },
        detail: detail({
          summary: 'Cause a fault, to see that no event is lost',
          errors: ['lab.off', 'access.denied'],
        }),
      },
    )
    .use(otherMethods({ '/cluster': 'GET', '/lab/faults': 'POST' }))

const disallowed = () =>
  new AppError('lab.off', 'Faults are not allowed here. The setting LAB=on allows them.', { status: 403 })
