import { detail, RECEIVING } from '../../http/describe-route.ts'
import { COLUMNS } from './kinds/order-rows.ts'
import { Task } from './schema.ts'

/** `POST /api/orders/import`. */
export const IMPORT = {
  parse: 'none',
  response: { 202: Task },
  detail: detail({
    summary: 'Import orders from a CSV file',
    description: `For operators only (403 otherwise): it creates orders of all customers. The body is the file, up to MAX_UPLOAD_BYTES. Its first line names the columns ${COLUMNS.join(', ')}, in any order, separated by commas, semicolons or tabs; each other line is an order. The response is a task; lines that cannot be imported are in its file rejected.csv, with number and reason. \`?name=\` is the name of the file.`,
    headers: ['X-User', 'X-Client-Id', 'Idempotency-Key'],
    errors: [
      ...RECEIVING,
      'key.deleted',
      'key.invalid',
      'key.reused',
      'parameter.unknown',
      'storage.exceeded',
      'tasks.too_many',
      'upload.aborted',
      'upload.empty',
      'upload.name_invalid',
      'upload.not_csv',
      'upload.too_large',
    ],
    responseHeaders: ['Location', 'ETag'],
    operation: {
      parameters: [
        {
          name: 'name',
          in: 'query',
          description: 'The name of the file.',
          schema: { type: 'string', pattern: '^\\P{Cc}{1,200}$', default: 'orders.csv' },
          example: 'orders.csv',
        },
      ],
      requestBody: {
        required: true,
        content: {
          'text/csv': { schema: { type: 'string' }, example: `${COLUMNS.join(',')}\nalice,EUR,A1,Tea,2,450\n` },
        },
      },
    },
  }),
} as const
