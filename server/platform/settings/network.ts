import { hostname } from 'node:os'
import { choice, hosts, integer, networks, origins, text } from './setting.ts'

/** Where the server listens, and which hosts, pages and proxies it accepts. */
export const networkSettings = {
  host: text('HOST', {
    fallback: '127.0.0.1',
    doc: 'Address to listen on. Other than loopback needs a key for access control, or ALLOW_ANONYMOUS=yes.',
  }),
  port: integer('PORT', { min: 0, max: 65_535, fallback: 8080, doc: 'Port to listen on; 0 takes a free one.' }),
  tlsCertFile: text('TLS_CERT_FILE', {
    fallback: undefined,
    unit: 'path',
    doc: 'PEM file with the certificate and the intermediate ones. Together with TLS_KEY_FILE it turns on TLS and HTTP/2; a renewed pair is taken within 10 s.',
  }),
  tlsKeyFile: text('TLS_KEY_FILE', {
    fallback: undefined,
    unit: 'path',
    doc: 'PEM file with the private key of TLS_CERT_FILE, without a passphrase.',
  }),
  http3: choice('HTTP3', {
    of: ['off', 'on'],
    fallback: 'off',
    doc: 'Whether HTTP/3 is served, too, on the UDP port of the same number. Needs TLS_CERT_FILE. Experimental.',
  }),
  instanceName: text('INSTANCE_NAME', {
    fallback: `${hostname()}-${process.pid}`,
    shown: 'host name and process id',
    doc: 'Name of this instance in streams, logs and the cluster view.',
  }),
  allowedHosts: hosts('ALLOWED_HOSTS', {
    doc: 'Host names that requests may use, besides localhost and HOST (and any IP address when HOST is not loopback). *.example.com matches subdomains; * disables the check.',
  }),
  allowedOrigins: origins('ALLOWED_ORIGINS', {
    doc: 'Other origins whose pages may use the API (CORS), such as https://app.example.com.',
  }),
  trustedProxies: networks('TRUSTED_PROXIES', {
    doc: 'Addresses and networks of proxies whose X-Forwarded-For and X-Forwarded-Proto name the client and the scheme that it used. Without any, the connection counts: a proxy that terminates TLS must be listed, or browsers are refused.',
  }),
} as const
