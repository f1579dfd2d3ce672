import { describe } from 'bun:test'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'

/** Path of Chromium: `CHROMIUM`, or one of its usual names on the `PATH`. */
const executablePath =
  process.env.CHROMIUM ||
  ['chromium', 'chromium-browser', 'google-chrome'].map((name) => Bun.which(name)).find(Boolean) ||
  undefined

/** `describe` for tests in a browser. Without one, the tests are skipped with a message; in CI that is an error. */
export const describeInBrowser = executablePath ? describe : skipWithMessage()

function skipWithMessage() {
  const message =
    'Chromium was not found: the browser tests are SKIPPED. Install Debian\'s "chromium", or set CHROMIUM to a Chromium or Chrome.'
  if (process.env.CI) throw new Error(message)
  console.error(`\n*** ${message} ***\n`)
  return describe.skip
}

/** Starts a headless Chromium. @param args additional command-line arguments; `--enable-quic` for HTTP/3 */
export const launchBrowser = (args: readonly string[] = []): Promise<Browser> =>
  chromium.launch({
    ...(executablePath && { executablePath }),
    args: [
      ...args,
      '--no-sandbox',
      '--disable-gpu',
      ...(args.includes('--enable-quic') ? [] : ['--disable-quic']),
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })

/** Writes a full-page screenshot to `dist/screenshots/<name>.png`, for review by a person. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const directory = join(import.meta.dir, '../../dist/screenshots')
  mkdirSync(directory, { recursive: true })
  await page.screenshot({ path: join(directory, `${name}.png`), fullPage: true })
}
