import { defineConfig } from 'vite'
import solid from 'vite-plugin-solid'

const server = process.env.SSE_UPDATE_URL ?? `http://localhost:${process.env.PORT ?? 8080}`

export default defineConfig({
  // The server's Content-Security-Policy forbids style attributes in templates; styles that a script sets are allowed. The
  // plugin's types lack the option.
  plugins: [solid({ solid: { inlineStyles: false } as object })],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: 'es2022',
  },
  server: {
    port: 5173,
    strictPort: true,
    // The server compares the Host header with the origin of the page.
    proxy: Object.fromEntries(
      ['/events', '/healthz', '/readyz', '/api', '/session'].map((path) => [
        path,
        { target: server, changeOrigin: false, ws: true },
      ]),
    ),
  },
})
