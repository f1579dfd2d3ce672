import type { Header } from './headers.ts'

/** A request as it is written to a connection. */
export interface FuzzRequest {
  /** Of the operation that it was generated from; it may be sent to another. */
  operation: string
  /** `valid`: it fits the document. The others do not have to. */
  kind: 'valid' | 'near' | 'hostile'
  method: string
  /** Path and query; each character is a byte. */
  target: string
  headers: Header[]
  body?: Buffer
  /** How the length of the body is told; `less` and `more` lie about it. Defaults to `exact`. */
  framing?: 'exact' | 'chunked' | 'less' | 'more'
}

/** What is generated of a request: what it is for is added. */
export type Parts = Omit<FuzzRequest, 'operation' | 'kind' | 'method'>
