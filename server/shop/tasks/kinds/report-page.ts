import type { EChartsCoreOption } from 'echarts/core'
import { sleep } from '../../../platform/time.ts'
import type { ReportTotals, Total } from './report-totals.ts'

interface Heading {
  from?: string
  to: string
  /** Number of orders that were read, with the cancelled ones. */
  orders: number
}

/** Customers, or SKUs, of a chart. */
const TOP = 15
/** Days of a chart and its table: the newest three years. Drawing more would hold the event loop for too long. */
const MAX_DAYS = 1100
/** Currencies that are shown; the CSV has all. */
const MAX_CURRENCIES = 10

/** The report as a self-contained page: its charts are SVG drawn on the server, and it runs no script. */
export async function reportPage({ from, to, orders }: Heading, totals: ReportTotals): Promise<string> {
  const currencies = await totals.byCurrency()
  const sections = []
  for (const { currency, orders: count, revenue } of currencies.slice(0, MAX_CURRENCIES)) {
    const days = (await totals.top('day', currency, MAX_DAYS)).sort((a, b) => (a.key < b.key ? -1 : 1))
    const customers = await totals.top('customer', currency, TOP)
    const skus = await totals.top('sku', currency, TOP)
    sections.push(`<section>
<h2>${money(revenue, currency)} <small>in ${number(count)} orders</small></h2>
<figure><figcaption>Revenue by day</figcaption>${await draw(byDay(days, currency), WIDE)}</figure>
<div class="pair">
<figure><figcaption>Customers with the highest revenue</figcaption>${await draw(bars(customers, currency), HALF)}</figure>
<figure><figcaption>SKUs with the highest revenue</figcaption>${await draw(bars(skus, currency), HALF)}</figure>
</div>
<details><summary>Days as a table</summary>${table(days, currency)}</details>
</section>`)
  }
  const period = from ? `${from} to ${to}` : `up to ${to}`
  const more =
    currencies.length > MAX_CURRENCIES
      ? `<p>The CSV has ${currencies.length - MAX_CURRENCIES} more currencies.</p>`
      : ''
  const body = sections.length > 0 ? sections.join('\n') + more : '<p>There are no orders in this period.</p>'
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Orders, ${period}</title>
<style>${STYLE}</style>
<h1>Orders, ${period}</h1>
<p>${number(orders)} orders were read; cancelled ones do not count. Days are UTC.</p>
${body}
</html>
`
}

const STYLE = `
:root { color-scheme: light; font: 16px/1.5 system-ui, sans-serif; color: #1f2733; background: #fff }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.3rem; margin-top: 2.5rem } small { color: #5a6675; font-weight: normal }
figure { margin: 1rem 0; min-width: 0 } figcaption { color: #5a6675 } svg { width: 100%; height: auto }
.pair { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)) }
table { border-collapse: collapse } td, th { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #e3e7ec }
td:first-child, th:first-child { text-align: left }`

/** The `Content-Security-Policy` of a page: it loads nothing, runs nothing, and only its own style sheet applies. */
export const PAGE_POLICY = [
  'sandbox',
  "default-src 'none'",
  `style-src 'sha256-${new Bun.CryptoHasher('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Pixels of the drawing; the page scales it. */
const WIDE = { width: 1080, height: 260 }
const HALF = { width: 520, height: 420 }

/** ECharts is loaded when the first report is drawn. */
async function draw(option: EChartsCoreOption, size: { width: number; height: number }): Promise<string> {
  const { init, use } = await import('echarts/core')
  const [{ BarChart, LineChart }, { GridComponent }, { SVGRenderer }] = await Promise.all([
    import('echarts/charts'),
    import('echarts/components'),
    import('echarts/renderers'),
  ])
  use([BarChart, LineChart, GridComponent, SVGRenderer])
  // Yields to the event loop between two drawings.
  await sleep(0)
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size })
  try {
    chart.setOption({ animation: false, color: ['#3566c8'], ...option })
    return withoutStyles(chart.renderToSVGString())
  } finally {
    chart.dispose()
  }
}

/** The policy allows no styles within the drawing: fonts become attributes, and effects of the pointer go. */
const withoutStyles = (svg: string) =>
  svg
    .replace(/<style[^>]*>.*?<\/style>/gs, '')
    .replace(/ style="font-size:([^;"]+);font-family:([^;"]+);"/g, ' font-size="$1" font-family="$2"')

const GRID = {
  left: 8,
  right: 24,
  top: 16,
  bottom: 8,
  outerBoundsMode: 'same',
  outerBoundsContain: 'axisLabel',
} as const

const byDay = (days: readonly Total[], currency: string): EChartsCoreOption => ({
  grid: GRID,
  xAxis: { type: 'category', data: days.map(({ key }) => key) },
  yAxis: { type: 'value', axisLabel: { formatter: (value: number) => compact(value, currency) } },
  series: [
    {
      type: days.length > 60 ? 'line' : 'bar',
      showSymbol: false,
      data: days.map(({ revenue }) => major(revenue, currency)),
    },
  ],
})

const bars = (rows: readonly Total[], currency: string): EChartsCoreOption => ({
  grid: GRID,
  xAxis: { type: 'value', axisLabel: { formatter: (value: number) => compact(value, currency), hideOverlap: true } },
  yAxis: { type: 'category', inverse: true, data: rows.map(({ key }) => shorten(key)) },
  series: [{ type: 'bar', data: rows.map(({ revenue }) => major(revenue, currency)) }],
})

const table = (rows: readonly Total[], currency: string) => `<table>
<tr><th>Day<th>Orders<th>Things<th>Revenue</tr>
${rows.map(({ key, orders, quantity, revenue }) => `<tr><td>${Bun.escapeHTML(key)}<td>${number(orders)}<td>${number(quantity)}<td>${money(revenue, currency)}</tr>`).join('\n')}
</table>`

const shorten = (text: string) => (text.length > 24 ? `${text.slice(0, 23)}…` : text)

const number = (value: string | number) => BigInt(value).toLocaleString('en')

/** Formats of the currency that was used last: making one takes longer than using it a hundred times. */
let formats = formatsOf('EUR')

function formatsOf(currency: string) {
  const style = { style: 'currency', currency } as const
  const full = new Intl.NumberFormat('en', style)
  return {
    currency,
    full,
    compact: new Intl.NumberFormat('en', { ...style, notation: 'compact', maximumFractionDigits: 1 }),
    /** Decimals that the currency has (ISO 4217): two for most, none for JPY. */
    decimals: full.resolvedOptions().maximumFractionDigits ?? 2,
  }
}

function formatsFor(currency: string) {
  if (formats.currency !== currency) formats = formatsOf(currency)
  return formats
}

const compact = (value: number, currency: string) => formatsFor(currency).compact.format(value)

const major = (minor: string, currency: string) => Number(minor) / 10 ** formatsFor(currency).decimals

const money = (minor: string, currency: string) => formatsFor(currency).full.format(major(minor, currency))
