import { describe } from 'bun:test'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './ports.ts'
import { until } from './until.ts'

const program = Bun.which('nginx') ?? Bun.which('nginx', { PATH: '/usr/sbin:/usr/local/sbin' })

/** `describe` for tests that need nginx. Without it, the tests are skipped with a message; in CI that is an error. */
export const describeWithNginx = program ? describe : skipWithMessage()

function skipWithMessage() {
  const message = 'nginx was not found: the tests of proxies are SKIPPED. Install Debian\'s "nginx-light".'
  if (process.env.CI) throw new Error(message)
  console.error(`\n*** ${message} ***\n`)
  return describe.skip
}

/** An nginx in front of a server. */
export interface Nginx extends AsyncDisposable {
  url: string
  /** Uses other directives from now on: new connections, and those that are open end. */
  configure(directives: string): Promise<void>
}

/** Directives of a proxy that ignores the server's headers and holds responses back until its buffers are full. */
export const BUFFERING = `
  proxy_ignore_headers X-Accel-Buffering;
  proxy_buffering on;
  proxy_buffer_size 64k;
  proxy_buffers 8 64k;
  gzip on;
  gzip_proxied any;
  gzip_types *;`

/** Directives as the README recommends them. */
export const STREAMING = 'proxy_buffering off;'

/**
 * Starts an nginx that forwards everything to a server.
 *
 * @param target such as `http://127.0.0.1:8080`
 * @param directives of the location
 */
export async function startNginx(target: string, directives: string): Promise<Nginx> {
  const directory = await mkdtemp(join(tmpdir(), 'sse-update-nginx-'))
  // The workers run as another user.
  await chmod(directory, 0o755)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const path = join(directory, 'nginx.conf')
  const write = (text: string) => writeFile(path, configuration({ directory, port, target, directives: text }))
  await write(directives)
  const child = Bun.spawn([program as string, '-p', directory, '-c', path], { stdout: 'ignore', stderr: 'ignore' })
  const isServing = () =>
    fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    )
  await until('nginx', isServing)
  return {
    url,
    async configure(text) {
      await write(text)
      child.kill('SIGHUP')
      await until('the new workers', isServing)
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await child.exited
      await rm(directory, { recursive: true, force: true })
    },
  }
}

interface Settings {
  directory: string
  port: number
  target: string
  directives: string
}

const configuration = ({ directory, port, target, directives }: Settings) => `
daemon off;
worker_processes 1;
worker_shutdown_timeout 1s;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  map $http_upgrade $connection_header { default upgrade; '' ''; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass ${target};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_header;
      ${directives}
    }
  }
}
`
