import { type AnyElysia, Elysia } from 'elysia'
import { version } from '../../package.json' with { type: 'json' }
import { detail } from '../http/describe-route.ts'
import { otherMethods } from '../http/problem.ts'
import { asyncApiDocument } from './asyncapi.ts'
import { openApiDocument } from './openapi.ts'

/** Paths of the documents, which pages of any origin may read. */
export const DOCUMENT_PATHS = ['/openapi.json', '/asyncapi.json']

/** `/openapi.json` and `/asyncapi.json`, generated on the first request. @param app whose routes are documented */
export const documentRoutes = (app: () => AnyElysia) => {
  const openApi = once(() => openApiDocument(app(), version))
  const asyncApi = once(() => asyncApiDocument(version))
  return new Elysia({ name: 'documents', tags: ['operations'] })
    .get('/openapi.json', () => json(openApi()), {
      detail: detail({ summary: 'This document: every route (OpenAPI 3.1)', operation: { responses: JSON_RESPONSE } }),
    })
    .get('/asyncapi.json', () => json(asyncApi()), {
      detail: detail({
        summary: 'Every event that the streams carry (AsyncAPI 3.0)',
        operation: { responses: JSON_RESPONSE },
      }),
    })
    .use(otherMethods({ '/openapi.json': 'GET', '/asyncapi.json': 'GET' }))
}

const JSON_RESPONSE = {
  200: { description: 'The document.', content: { 'application/json': { example: {} } } },
}

const json = (text: string) =>
  new Response(text, {
    headers: { 'content-type': 'application/json; charset=utf-8' },
  })

function once(make: () => unknown): () => string {
  let text: string | undefined
  return () => {
    text ??= `${JSON.stringify(make(), null, 2)}\n`
    return text
  }
}
