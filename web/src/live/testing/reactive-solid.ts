import { mock } from 'bun:test'
import { createRequire } from 'node:module'

/*
 * Bun takes Solid for a server's, where nothing is reactive. A test that imports this file first has the browser's.
 */
const require = createRequire(import.meta.url)
const solid = require('solid-js/dist/solid.js') as object
mock.module('solid-js', () => solid)
const store = require('solid-js/store/dist/store.js') as object
mock.module('solid-js/store', () => store)
