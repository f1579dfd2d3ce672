import { expect, test } from 'bun:test'
import { withoutValues } from './argument-errors.ts'

test.each([
  ["error: unknown option '--database-url=postgres://u:p@h/x'", "error: unknown option '--database-url'"],
  [
    "error: unknown option '--tokn=a'b'\n(Did you mean --token?)",
    "error: unknown option '--tokn'\n(Did you mean --token?)",
  ],
  [
    "error: unknown option '--tokn'\n(Did you mean --token?)",
    "error: unknown option '--tokn'\n(Did you mean --token?)",
  ],
  [`error: unknown option '--${'x'.repeat(64)}'`, `error: unknown option '--${'x'.repeat(40)}'`],
  ["error: unknown option '--hunter2'", "error: unknown option '--hunter'"],
  ["error: unknown option '-thunter2'", "error: unknown option '-t'"],
  [
    "error: option '--role <role>' argument 'hunter2' is invalid. Allowed choices are user, operator.",
    "error: option '--role <role>' argument '…' is invalid. Allowed choices are user, operator.",
  ],
  [
    "error: option '--url <url>' value 'a' is\n'b' from env 'SSE_UPDATE_URL' is invalid. No.",
    "error: option '--url <url>' value '…' is invalid. No.",
  ],
  [
    "error: command-argument value 'hunter2' is invalid for argument 'x'.",
    "error: command-argument value '…' is invalid for argument 'x'.",
  ],
  [
    "error: too many arguments for 'serve'. Expected 0 arguments but got 2: JWT_SECRET=a, b.",
    "error: too many arguments for 'serve'. Expected 0 arguments but got 2.",
  ],
  ["error: unknown command 'hunter2'", "error: unknown command '…'"],
  ["error: unknown command 'a'b'\n(Did you mean tail?)", "error: unknown command '…'\n(Did you mean tail?)"],
  ["error: unknown command 'tial'\n(Did you mean tail?)", "error: unknown command 'tial'\n(Did you mean tail?)"],
  ["error: missing required argument 'type'", "error: missing required argument 'type'"],
])('an error about arguments does not show their values: %j', (message, shown) => {
  expect(withoutValues(message)).toBe(shown)
})
