import { describe } from 'bun:test'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'

/** Chromium on this machine: `CHROMIUM`, or a usual name on the PATH. */
const executablePath =
  process.env.CHROMIUM ||
  ['chromium', 'chromium-browser', 'google-chrome'].map((name) => Bun.which(name)).find(Boolean) ||
  undefined

/** `describe` for tests in a browser: skipped, and loudly, where there is none; in CI that is an error. */
export const describeInBrowser = executablePath ? describe : skipLoudly()

function skipLoudly() {
  const message =
    'No Chromium here: the browser tests are SKIPPED. Install Debian\'s "chromium", or set CHROMIUM to a Chromium or Chrome.'
  if (process.env.CI) throw new Error(message)
  console.error(`\n*** ${message} ***\n`)
  return describe.skip
}

/** @param args further ones of the command line */
export const launchBrowser = (args: readonly string[] = []): Promise<Browser> =>
  chromium.launch({
    ...(executablePath && { executablePath }),
    args: [
      ...args,
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })

/** Takes a picture for people to look at, into `dist/screenshots`. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const directory = join(import.meta.dir, '../../dist/screenshots')
  mkdirSync(directory, { recursive: true })
  await page.screenshot({ path: join(directory, `${name}.png`), fullPage: true })
}
