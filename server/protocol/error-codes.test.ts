import { describe, expect, test } from 'bun:test'
import { STATUS_CODES } from 'node:http'
import { Value } from '@sinclair/typebox/value'
import { Glob } from 'bun'
import ts from 'typescript'
import { ERRORS, type ErrorCode } from './error-codes.ts'
import { membersOf, problemExample, problemSchema, statusOf, titleOf } from './problem.ts'

/** One `new AppError(code, detail, options)`. A code such as `${resource}.version_conflict` stands for all codes with that end. */
interface Thrown {
  code: string
  /** As the options give it; 400 without them. */
  status: number
  /** Names of the extensions, where they are an object literal. */
  members: string[]
  file: string
}

/** What tasks fail with: it is in the task, and is not sent as a problem document. */
const OF_TASKS = ['import.header_invalid', 'import.too_many_rejected']

const CODES = Object.keys(ERRORS) as ErrorCode[]
const thrown = await thrownErrors()

async function thrownErrors(): Promise<Thrown[]> {
  const found: Thrown[] = []
  for await (const file of new Glob('server/**/*.ts').scan()) {
    if (/\.test\.|\/testing\/|\/verification\//.test(file)) continue
    const source = ts.createSourceFile(file, await Bun.file(file).text(), ts.ScriptTarget.Latest)
    const visit = (node: ts.Node): void => {
      if (ts.isNewExpression(node) && (node.expression as ts.Identifier).text === 'AppError') {
        const [code, , options] = node.arguments ?? []
        for (const text of codesOf(code)) found.push({ code: text, ...readOptions(options), file })
      }
      ts.forEachChild(node, visit)
    }
    visit(source)
  }
  return found
}

function codesOf(code: ts.Node | undefined): string[] {
  if (!code) return []
  if (ts.isStringLiteral(code)) return [code.text]
  const end = ts.isTemplateExpression(code) ? code.templateSpans.at(-1)?.literal.text : undefined
  return end ? CODES.filter((known) => known.endsWith(end)) : []
}

function readOptions(options: ts.Node | undefined): Pick<Thrown, 'status' | 'members'> {
  const status = memberOf(options, 'status')
  const extensions = memberOf(options, 'extensions')
  return {
    status: status && ts.isNumericLiteral(status) ? Number(status.text) : 400,
    members:
      extensions && ts.isObjectLiteralExpression(extensions)
        ? extensions.properties.flatMap(({ name }) => (name && ts.isIdentifier(name) ? [name.text] : []))
        : [],
  }
}

function memberOf(object: ts.Node | undefined, name: string): ts.Expression | undefined {
  if (!object || !ts.isObjectLiteralExpression(object)) return undefined
  const property = object.properties.find((member) => member.name && (member.name as ts.Identifier).text === name)
  return property && ts.isPropertyAssignment(property) ? property.initializer : undefined
}

describe('the catalogue of errors', () => {
  test('has every code that a source file throws', () => {
    const unknown = new Set(thrown.map(({ code }) => code).filter((code) => !(code in ERRORS)))
    expect([...unknown].sort()).toEqual(OF_TASKS)
  })

  test('has no code that no source file throws', () => {
    const used = new Set(thrown.map(({ code }) => code))
    expect(CODES.filter((code) => !used.has(code))).toEqual([])
  })

  test('has the status with which a code is thrown', () => {
    const catalogued = thrown.filter(({ code }) => code in ERRORS)
    const wrong = catalogued.filter(({ code, status }) => status !== statusOf(code as ErrorCode))
    expect(wrong).toEqual([])
  })

  test('has the members with which a code is thrown', () => {
    const catalogued = thrown.filter(({ code }) => code in ERRORS)
    const wrong = catalogued.filter(({ code, members }) =>
      members.some((member) => !(member in membersOf(code as ErrorCode))),
    )
    expect(wrong).toEqual([])
  })

  test('is in the order of the alphabet, so that two codes of one meaning are seen', () => {
    expect(CODES).toEqual([...CODES].sort())
  })

  test('has an example of each code that fits its schema', () => {
    for (const code of CODES)
      expect([code, Value.Check(problemSchema(code), problemExample(code))]).toEqual([code, true])
  })
})

describe('the title of a problem', () => {
  // RFC 9110 has renamed these two; Node keeps the older phrases.
  test.each([
    [413, 'Content Too Large'],
    [422, 'Unprocessable Content'],
  ])('of %p is %p', (status, title) => {
    expect(titleOf(status)).toBe(title)
  })

  test('is the reason phrase of every other status in the catalogue', () => {
    const statuses = new Set(CODES.map(statusOf))
    for (const status of statuses) {
      if (status !== 413 && status !== 422) expect(titleOf(status)).toBe(STATUS_CODES[status] as string)
    }
  })
})
