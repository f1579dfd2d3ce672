import { AppError, tooDeep } from './errors.ts'
import { findUnstorable } from './text.ts'

/**
 * Reads a JSON body.
 *
 * @param parse of the text. Defaults to `JSON.parse`
 * @throws {AppError} `body.not_json` (415), `body.too_large` (413), `body.invalid`, `data.too_deep`
 */
export async function readJson(
  request: Request,
  maxBytes: number,
  parse: (text: string) => unknown = JSON.parse,
): Promise<unknown> {
  // Any other type could come from a form on a foreign page, without the browser asking first.
  if (!/^application\/(?:[\w.-]+\+)?json\b/i.test(request.headers.get('content-type') ?? '')) {
    throw new AppError('body.not_json', 'Send JSON, with the header "Content-Type: application/json".', {
      status: 415,
    })
  }
  const bytes = await readBytes(request, maxBytes)
  try {
    return parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    if (error instanceof AppError) throw error
    if (error instanceof RangeError) throw tooDeep(error)
    const problem = error instanceof SyntaxError ? `not valid JSON: ${error.message}` : 'not valid UTF-8'
    throw new AppError('body.invalid', `The body is ${problem}.`, { cause: error })
  }
}

/** JSON whose texts Postgres can keep. @throws {AppError} `body.invalid` */
export function parseStorable(text: string): unknown {
  const value = JSON.parse(text) as unknown
  const problem = findUnstorable(value)
  if (problem) throw new AppError('body.invalid', `The body can not be stored: ${problem}.`)
  return value
}

async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = new AppError(
    'body.too_large',
    `The body has more than ${maxBytes} bytes (MAX_REQUEST_BYTES). Publish in several requests.`,
    { status: 413 },
  )
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge
  // Counted as they come: a body in chunks does not say how large it is.
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength
    if (size > maxBytes) throw tooLarge
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
