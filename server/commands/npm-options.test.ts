import { describe, expect, test } from 'bun:test'
import { Option } from 'commander'
import { refuseSwallowedOptions } from './npm-options.ts'

const options = [new Option('--key <key>'), new Option('--restart-cmd <command>'), new Option('--token <token>')]
const check = (args: string[], env: Record<string, string>) => () => refuseSwallowedOptions(options, args, env)

describe('an option before which -- is missing', () => {
  test.each([
    ['sse-update', { npm_config_key: 'k1' }, '--key', 'npm run sse-update -- publish …'],
    ['sse-update', { npm_config_restart_cmd: 'true' }, '--restart-cmd', 'npm run sse-update -- publish …'],
    ['sse-update', { npm_config_token_description: 'x' }, '--token', 'npm run sse-update -- publish …'],
    ['bench', { npm_config_key: '' }, '--key', 'npm run bench -- …'],
  ])('is refused with the command to run instead (%s, %p)', (script, env, option, advice) => {
    expect(check(['publish', 'a', 't'], { npm_lifecycle_event: script, ...env })).toThrow(
      expect.objectContaining({
        exitCode: 2,
        message: `npm took ${option} for itself; put -- before the options: ${advice}`,
      }),
    )
  })
})

describe('the environment of npm', () => {
  test.each([
    ['an option that is given', ['publish', '--key', 'k1'], { npm_lifecycle_event: 'sse-update', npm_config_key: 'x' }],
    [
      'an option that is given with =',
      ['publish', '--key=k'],
      { npm_lifecycle_event: 'sse-update', npm_config_key: '' },
    ],
    ['settings of npm', ['publish'], { npm_lifecycle_event: 'sse-update', npm_config_cache: '/x' }],
    ['a process that npm does not run', ['publish'], { npm_config_key: 'x' }],
  ])('is accepted for %s', (_, args, env) => {
    expect(check(args, env)).not.toThrow()
  })
})
