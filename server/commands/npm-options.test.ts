import { describe, expect, test } from 'bun:test'
import { Command } from 'commander'
import { refuseSwallowedOptions } from './npm-options.ts'

const command = new Command('publish')
  .option('--key <key>')
  .option('--restart-cmd <command>')
  .option('--token <token>')
  .addCommand(new Command('create').option('--name <name>'))
const check = (args: string[], env: Record<string, string>) => () => refuseSwallowedOptions(command, args, env)

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

test('an option of a subcommand is refused only with that subcommand', () => {
  const env = { npm_lifecycle_event: 'sse-update', npm_config_name: 'x' }
  expect(check(['key', 'create'], env)).toThrow('npm took --name')
  expect(check(['key', 'list'], env)).not.toThrow()
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
