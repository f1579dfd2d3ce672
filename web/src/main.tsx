import { render } from 'solid-js/web'
import { App } from './app.tsx'
import './styles/base.css'
import './styles/layout.css'
import './styles/pages.css'
import './styles/access.css'
import './styles/compare.css'

const root = document.getElementById('app')
if (!root) throw new Error('the page has no element #app')
render(() => <App />, root)
