import { defineConfig } from 'vite'
import solid from 'vite-plugin-solid'

const server = process.env.SSE_UPDATE_URL ?? `http://localhost:${process.env.PORT ?? 8080}`

export default defineConfig({
  plugins: [solid()],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: 'es2022',
  },
  server: {
    port: 5173,
    strictPort: true,
    proxy: Object.fromEntries(['/events', '/healthz', '/readyz', '/api'].map((path) => [path, server])),
  },
})
