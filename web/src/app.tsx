import type { JSX } from 'solid-js'
import { Feed } from './feed/feed.tsx'
import { PublishForm } from './publish/publish-form.tsx'
import { Streams } from './streams/streams.tsx'

export function App(): JSX.Element {
  return (
    <>
      <header class="page-header">
        <h1>sse-update</h1>
        <p class="muted">Every event once and in order, in every browser.</p>
      </header>
      <main>
        <Feed />
        <div class="side">
          <PublishForm />
          <Streams />
        </div>
      </main>
    </>
  )
}
